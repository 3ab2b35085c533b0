// Receives packets from an NFQUEUE in batches, into memory that JavaScript reads in place.
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

/** Columns of the index table, in the same order as in src/kernel/binding.ts. */
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
  /** Returns false if there is no memory. */
  bool Allocate(size_t batch_size, size_t copy_range);

  /**
   * One recvmmsg. Returns the number of datagrams received, or a negative errno. `count()` of them were
   * packets, which have rows in the index.
   */
  int Receive(const NetlinkSocket& socket);

  [[nodiscard]] size_t capacity() const { return headers_.size(); }
  [[nodiscard]] size_t count() const { return count_; }
  [[nodiscard]] uint32_t packet_id(size_t at) const { return ids_[at]; }
  [[nodiscard]] const std::shared_ptr<Region>& slab() const { return slab_; }
  [[nodiscard]] const std::shared_ptr<Region>& index() const { return index_; }

  /** Number of messages that could not be parsed, since the start. */
  [[nodiscard]] uint32_t malformed() const { return malformed_; }
  /** Number of verdicts that the kernel refused, since the start: the packet no longer existed. */
  [[nodiscard]] uint32_t rejected() const { return rejected_; }

 private:
  void Read(mmsghdr& datagram);
  void AddPacket(const nlmsghdr* message, bool truncated);

  std::shared_ptr<Region> slab_;
  std::shared_ptr<Region> index_;
  std::vector<iovec> slots_;
  std::vector<mmsghdr> headers_;
  /** A private copy: JavaScript can write to the index. */
  std::vector<uint32_t> ids_;
  size_t count_ = 0;
  uint32_t malformed_ = 0;
  uint32_t rejected_ = 0;
};

}  // namespace conntrack_ftp
