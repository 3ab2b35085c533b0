// Sends the verdicts of a batch of packets, as JavaScript wrote them into a table.
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

/** Columns of the verdict table; src/kernel/binding.ts has the same list. */
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
  /** Answers false when there is no memory. */
  bool Allocate(size_t batch_size);

  /** Makes the first `count` verdicts plain accepts. */
  void Prefill(size_t count);

  /**
   * Sends exactly one verdict for each packet of `packets`, in order of arrival, with as few system calls as
   * the socket's send buffer allows. Answers the first failure, after it has tried the rest. A replacement
   * that cannot be sent drops its packet, as the kernel does with one that it cannot apply.
   */
  Outcome Send(const NetlinkSocket& socket, uint16_t queue, const PacketBatch& packets);

  [[nodiscard]] const std::shared_ptr<Region>& table() const { return table_; }
  [[nodiscard]] const std::shared_ptr<Region>& replacements() const { return replacements_; }

 private:
  class Sender;

  [[nodiscard]] const int32_t* Row(size_t at) const;
  [[nodiscard]] bool PlainAccept(size_t at) const;
  /** The verdict as it is to be sent, and what was wrong with the one in the table. */
  Outcome Translate(size_t at, uint32_t packet_id, size_t send_limit, Verdict& verdict) const;

  std::shared_ptr<Region> table_;
  std::shared_ptr<Region> replacements_;
  std::vector<uint8_t> messages_;
};

}  // namespace conntrack_ftp
