#include "packet-batch.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>

#include "attributes.h"
#include "queue-messages.h"

namespace conntrack_ftp {

namespace {

/**
 * Size of a packet message without the packet: headers and attributes take about 200 bytes
 * (nfqnl_build_packet_message), including a bridged packet's link-layer header and VLAN tag.
 */
constexpr size_t kMessageOverhead = 512;
constexpr size_t kCacheLine = 64;

/**
 * The distance between slots: an odd number of cache lines. With a power of two the start of every message,
 * which is all that most packets fill, would map to the same few cache sets.
 */
constexpr size_t SlotStride(size_t copy_range) {
  const size_t lines = (copy_range + kMessageOverhead + kCacheLine - 1) / kCacheLine;
  return (lines | 1U) * kCacheLine;
}

uint32_t BigEndian32(const nlattr& attribute) {
  return ntohl(mnl_attr_get_u32(&attribute));
}

/** The index column of an attribute whose value is one big-endian number. */
constexpr size_t ColumnOf(uint16_t attribute_type) {
  switch (attribute_type) {
    case NFQA_IFINDEX_INDEV:
      return kInInterface;
    case NFQA_IFINDEX_OUTDEV:
      return kOutInterface;
    case NFQA_MARK:
      return kMark;
    case NFQA_SKB_INFO:
      return kFlags;
    case NFQA_CAP_LEN:
      return kOriginalLength;
    default:
      return kIndexStride;
  }
}

}  // namespace

bool PacketBatch::Allocate(size_t batch_size, size_t copy_range) {
  const size_t stride = SlotStride(copy_range == 0 ? kMaxAttributeValue : copy_range);
  slab_ = Region::Allocate(batch_size * stride);
  index_ = Region::Allocate(batch_size * kIndexStride * sizeof(int32_t));
  if (slab_ == nullptr || index_ == nullptr) return false;

  slots_.resize(batch_size);
  headers_.resize(batch_size);
  ids_.resize(batch_size);
  for (size_t at = 0; at < batch_size; ++at) {
    slots_[at] = {.iov_base = slab_->data() + at * stride, .iov_len = stride};
    headers_[at].msg_hdr.msg_iov = &slots_[at];
    headers_[at].msg_hdr.msg_iovlen = 1;
  }
  return true;
}

int PacketBatch::Receive(const NetlinkSocket& socket) {
  count_ = 0;
  int received = 0;
  do {
    received =
        recvmmsg(socket.fd(), headers_.data(), static_cast<unsigned>(headers_.size()), MSG_DONTWAIT, nullptr);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  for (int at = 0; at < received; ++at) Read(headers_[static_cast<size_t>(at)]);
  return received;
}

void PacketBatch::Read(mmsghdr& datagram) {
  auto* message = static_cast<nlmsghdr*>(datagram.msg_hdr.msg_iov->iov_base);
  const bool truncated = (datagram.msg_hdr.msg_flags & MSG_TRUNC) != 0;
  // A truncated packet needs a verdict too, and its id is near the start of the message.
  if (truncated) message->nlmsg_len = datagram.msg_len;
  const bool whole = mnl_nlmsg_ok(message, static_cast<int>(datagram.msg_len));
  if (whole && message->nlmsg_type == kPacketMessage) {
    AddPacket(message, truncated);
  } else if (whole && message->nlmsg_type == NLMSG_ERROR) {
    ++rejected_;
  } else {
    ++malformed_;
  }
}

void PacketBatch::AddPacket(const nlmsghdr* message, bool truncated) {
  int32_t* row = index_->columns().data() + count_ * kIndexStride;
  std::fill_n(row, static_cast<size_t>(kIndexStride), 0);
  bool identified = false;
  for (const nlattr& attribute : Attributes(message, sizeof(nfgenmsg))) {
    const uint16_t type = mnl_attr_get_type(&attribute);
    const size_t length = mnl_attr_get_payload_len(&attribute);
    if (type == NFQA_PACKET_HDR && length >= sizeof(nfqnl_msg_packet_hdr)) {
      const auto* header = static_cast<const nfqnl_msg_packet_hdr*>(mnl_attr_get_payload(&attribute));
      ids_[count_] = ntohl(header->packet_id);
      row[kPacketId] = static_cast<int32_t>(ids_[count_]);
      row[kHook] = header->hook;
      row[kProtocol] = ntohs(header->hw_protocol);
      identified = true;
    } else if (type == NFQA_PAYLOAD) {
      const auto* payload = static_cast<const uint8_t*>(mnl_attr_get_payload(&attribute));
      row[kOffset] = static_cast<int32_t>(payload - slab_->data());
      row[kLength] = static_cast<int32_t>(length);
    } else if (const size_t column = ColumnOf(type); column < kIndexStride && length == sizeof(uint32_t)) {
      row[column] = static_cast<int32_t>(BigEndian32(attribute));
    }
  }
  if (row[kOriginalLength] == 0) row[kOriginalLength] = row[kLength];
  if (truncated || !identified) ++malformed_;
  if (identified) ++count_;
}

}  // namespace conntrack_ftp
