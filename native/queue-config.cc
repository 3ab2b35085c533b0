#include "queue-config.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "attributes.h"
#include "queue-messages.h"

namespace conntrack_ftp {

namespace {

/** Far more than all configuration messages of a queue, or any acknowledgement with its text. */
constexpr size_t kBufferBytes = 4096;

/** The kernel's errnos are 1 to 4095 (include/linux/err.h). */
constexpr int kMaxErrno = 4095;

/** One datagram of configuration messages, and the kernel's answer to each. */
class Conversation {
 public:
  Conversation(NetlinkSocket& socket, uint16_t queue) : socket_(socket), queue_(queue) {}

  /** Begins the message for `operation`; the caller adds attributes to the returned message. */
  nlmsghdr* Add(std::string operation, bool needed) {
    Finish();
    steps_.push_back({{std::move(operation), EPROTO}, needed});
    message_ = PutQueueHeader(buffer_.data() + used_, NFQNL_MSG_CONFIG, queue_);
    message_->nlmsg_flags |= NLM_F_ACK;
    message_->nlmsg_seq = static_cast<uint32_t>(steps_.size());
    return message_;
  }

  /** Sends all messages and reads the acknowledgements, which are available when sending returns. */
  Outcome SendAll(std::vector<Failure>& refusals) {
    Finish();
    Outcome unsent = socket_.Send({buffer_.data(), used_}, steps_.front().failure.operation);
    if (unsent) return unsent;
    // Stops at the last acknowledgement: packets that come after it are for JavaScript.
    while (steps_.back().failure.error_number == EPROTO) {
      const ssize_t received = socket_.Receive(buffer_);
      if (received < 0) break;
      if (Outcome failed = Read(static_cast<size_t>(received))) return failed;
    }
    for (const Step& step : steps_) {
      if (step.failure.error_number == 0) continue;
      if (step.needed) return step.failure;
      refusals.push_back(step.failure);
    }
    return std::nullopt;
  }

 private:
  struct Step {
    /** EPROTO (no acknowledgement) until one is read. */
    Failure failure;
    bool needed;
  };

  void Finish() {
    if (message_ != nullptr) used_ += MNL_ALIGN(message_->nlmsg_len);
    message_ = nullptr;
  }

  /** Ignores incomplete messages. For a packet the beginning is enough; its end may not have fit. */
  Outcome Read(size_t received) {
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data());
    const size_t length = std::min(received, kBufferBytes);
    if (length < sizeof(nlmsghdr)) return std::nullopt;
    if (message->nlmsg_type == kPacketMessage) return AcceptUnseen(message, length);
    if (!mnl_nlmsg_ok(message, static_cast<int>(length)) || message->nlmsg_type != NLMSG_ERROR) {
      return std::nullopt;
    }
    if (mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr)) return std::nullopt;
    if (message->nlmsg_seq == 0 || message->nlmsg_seq > steps_.size()) return std::nullopt;
    const int error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error;
    if (error <= 0 && error >= -kMaxErrno) steps_[message->nlmsg_seq - 1].failure.error_number = -error;
    return std::nullopt;
  }

  /**
   * Accepts a packet that came too early. NFQA_PACKET_HDR is its first attribute
   * (nfqnl_build_packet_message).
   */
  Outcome AcceptUnseen(const nlmsghdr* packet, size_t length) {
    constexpr size_t kAttributeAt = MNL_ALIGN(sizeof(nlmsghdr)) + MNL_ALIGN(sizeof(nfgenmsg));
    if (length < kAttributeAt + MNL_ATTR_HDRLEN + sizeof(nfqnl_msg_packet_hdr)) return std::nullopt;
    const nlattr& first = *Attributes(packet, sizeof(nfgenmsg)).begin();
    if (mnl_attr_get_type(&first) != NFQA_PACKET_HDR) return std::nullopt;
    const auto* header = static_cast<const nfqnl_msg_packet_hdr*>(mnl_attr_get_payload(&first));
    std::array<uint8_t, 64> message{};
    const Verdict accept{.packet_id = ntohl(header->packet_id), .verdict = NF_ACCEPT};
    const size_t size = PutVerdict(message.data(), NFQNL_MSG_VERDICT, queue_, accept);
    return socket_.Send({message.data(), size}, "accept a packet");
  }

  NetlinkSocket& socket_;
  const uint16_t queue_;
  alignas(nlmsghdr) std::array<uint8_t, kBufferBytes> buffer_{};
  size_t used_ = 0;
  nlmsghdr* message_ = nullptr;
  std::vector<Step> steps_;
};

}  // namespace

Outcome ConfigureQueue(NetlinkSocket& socket, const QueueConfig& config, std::vector<Failure>& refusals) {
  constexpr bool kNeeded = true;
  constexpr bool kOptional = false;
  Conversation kernel(socket, config.queue);

  const nfqnl_msg_config_cmd bind{.command = NFQNL_CFG_CMD_BIND, ._pad = 0, .pf = 0};
  mnl_attr_put(kernel.Add("bind to queue " + std::to_string(config.queue), kNeeded), NFQA_CFG_CMD,
               sizeof(bind), &bind);

  mnl_attr_put_u32(kernel.Add("queue length of " + std::to_string(config.max_length), kNeeded),
                   NFQA_CFG_QUEUE_MAXLEN, htonl(config.max_length));

  if (config.fail_open) {
    nlmsghdr* flag = kernel.Add("fail-open", kOptional);
    mnl_attr_put_u32(flag, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_FAIL_OPEN));
    mnl_attr_put_u32(flag, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN));
  }

  const nfqnl_msg_config_params params{.copy_range = htonl(config.copy_range),
                                       .copy_mode = NFQNL_COPY_PACKET};
  mnl_attr_put(kernel.Add("copy packets", kNeeded), NFQA_CFG_PARAMS, sizeof(params), &params);

  return kernel.SendAll(refusals);
}

}  // namespace conntrack_ftp
