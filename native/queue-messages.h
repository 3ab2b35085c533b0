// The messages of nfnetlink_queue (linux/netfilter/nfnetlink_queue.h) that this addon writes.
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace conntrack_ftp {

/** The largest value of a netlink attribute, and so the longest packet that a verdict can carry. */
constexpr size_t kMaxAttributeValue = UINT16_MAX - MNL_ATTR_HDRLEN;

/** The `nlmsg_type` of the kernel's message for a queued packet. */
constexpr uint16_t kPacketMessage = (NFNL_SUBSYS_QUEUE << 8U) | NFQNL_MSG_PACKET;

struct Verdict {
  uint32_t packet_id;
  uint32_t verdict;
  /** Empty if the packet keeps its mark. */
  std::optional<uint32_t> mark{};
  /** Empty if the packet keeps its bytes. */
  std::span<const uint8_t> payload{};

  /** Size of its message in bytes. */
  [[nodiscard]] size_t size() const;
};

/** Writes the two headers of a message to nfnetlink_queue; `type` is an NFQNL_MSG_*. */
nlmsghdr* PutQueueHeader(void* at, uint8_t type, uint16_t queue);

/**
 * Writes an NFQNL_MSG_VERDICT, or an NFQNL_MSG_VERDICT_BATCH for all packets up to its id. Returns the size.
 */
size_t PutVerdict(void* at, uint8_t type, uint16_t queue, const Verdict& verdict);

}  // namespace conntrack_ftp
