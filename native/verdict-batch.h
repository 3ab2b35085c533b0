// Sends the verdicts that JavaScript wrote into the table for a batch of packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "netlink-socket.h"
#include "packet-batch.h"
#include "queue-messages.h"
#include "region.h"

namespace conntrack_ftp {

/** Columns of the verdict table, in the same order as in src/kernel/binding.ts. */
enum VerdictColumn : size_t {
  kVerdict,
  kVerdictFlags,
  kNewMark,
  kPayloadOffset,
  kPayloadLength,
  kVerdictStride,
};

enum VerdictFlag : uint32_t { kHasMark = 1, kHasPayload = 2 };

class VerdictBatch {
 public:
  /** Returns false if there is no memory. */
  bool Allocate(size_t batch_size);

  /** Sets the first `count` verdicts to plain accept. */
  void Prefill(size_t count);

  /**
   * Sends exactly one verdict for each packet of `packets`, in order of arrival, with as few system calls as
   * the socket's send buffer allows. Returns the first failure, after trying the rest. If a replacement
   * cannot be sent, its packet is dropped, as the kernel does with one that it cannot apply.
   */
  Outcome Send(const NetlinkSocket& socket, uint16_t queue, const PacketBatch& packets);

  [[nodiscard]] const std::shared_ptr<Region>& table() const { return table_; }
  [[nodiscard]] const std::shared_ptr<Region>& replacements() const { return replacements_; }

 private:
  class Sender;

  [[nodiscard]] const int32_t* Row(size_t at) const;
  [[nodiscard]] bool PlainAccept(size_t at) const;
  /** Converts row `at` into the verdict to send; returns what was wrong with the row. */
  Outcome ReadRow(size_t at, uint32_t packet_id, size_t send_limit, Verdict& verdict) const;

  std::shared_ptr<Region> table_;
  std::shared_ptr<Region> replacements_;
  std::vector<uint8_t> messages_;
};

}  // namespace conntrack_ftp
