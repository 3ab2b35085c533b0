// Receives packets from an NFQUEUE, many at a time, into memory that JavaScript reads in place.
#pragma once

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "netlink-socket.h"
#include "region.h"

namespace conntrack_ftp {

/** Columns of the index table; src/kernel/binding.ts has the same list. */
enum IndexColumn : size_t {
  kPacketId,
  kOffset,
  kLength,
  kOriginalLength,
  kHook,
  kInInterface,
  kOutInterface,
  kMark,
  kFlags,
  kProtocol,
  kIndexStride,
};

class PacketBatch {
 public:
  /** Answers false when there is no memory. */
  bool Allocate(size_t batch_size, size_t copy_range);

  /**
   * One recvmmsg. Answers how many datagrams came, or a negative errno; `count()` of them were packets, whose
   * rows stand in the index.
   */
  int Receive(const NetlinkSocket& socket);

  [[nodiscard]] size_t capacity() const { return headers_.size(); }
  [[nodiscard]] size_t count() const { return count_; }
  [[nodiscard]] uint32_t packet_id(size_t at) const { return ids_[at]; }
  [[nodiscard]] const std::shared_ptr<Region>& slab() const { return slab_; }
  [[nodiscard]] const std::shared_ptr<Region>& index() const { return index_; }

  /** Messages that could not be read, since the start. */
  [[nodiscard]] uint32_t malformed() const { return malformed_; }
  /** Verdicts that the kernel refused, since the start: the packet was gone already. */
  [[nodiscard]] uint32_t rejected() const { return rejected_; }

 private:
  void Read(mmsghdr& datagram);
  void AddPacket(const nlmsghdr* message, bool truncated);

  std::shared_ptr<Region> slab_;
  std::shared_ptr<Region> index_;
  std::vector<iovec> slots_;
  std::vector<mmsghdr> headers_;
  /** Our own copy: JavaScript can write to the index. */
  std::vector<uint32_t> ids_;
  size_t count_ = 0;
  uint32_t malformed_ = 0;
  uint32_t rejected_ = 0;
};

}  // namespace conntrack_ftp
