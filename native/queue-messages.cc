#include "queue-messages.h"

#include <arpa/inet.h>

namespace conntrack_ftp {

namespace {

constexpr size_t AttributeSize(size_t value) {
  return MNL_ALIGN(MNL_ATTR_HDRLEN + value);
}

}  // namespace

size_t Verdict::size() const {
  size_t bytes =
      MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(nfgenmsg)) + AttributeSize(sizeof(nfqnl_msg_verdict_hdr));
  if (mark) bytes += AttributeSize(sizeof(*mark));
  if (!payload.empty()) bytes += AttributeSize(payload.size());
  return bytes;
}

nlmsghdr* PutQueueHeader(void* at, uint8_t type, uint16_t queue) {
  nlmsghdr* message = mnl_nlmsg_put_header(at);
  message->nlmsg_type = static_cast<uint16_t>((NFNL_SUBSYS_QUEUE << 8U) | type);
  message->nlmsg_flags = NLM_F_REQUEST;
  auto* family = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  family->nfgen_family = AF_UNSPEC;
  family->version = NFNETLINK_V0;
  family->res_id = htons(queue);
  return message;
}

size_t PutVerdict(void* at, uint8_t type, uint16_t queue, const Verdict& verdict) {
  nlmsghdr* message = PutQueueHeader(at, type, queue);
  const nfqnl_msg_verdict_hdr header{.verdict = htonl(verdict.verdict), .id = htonl(verdict.packet_id)};
  mnl_attr_put(message, NFQA_VERDICT_HDR, sizeof(header), &header);
  if (verdict.mark) mnl_attr_put_u32(message, NFQA_MARK, htonl(*verdict.mark));
  if (!verdict.payload.empty()) {
    mnl_attr_put(message, NFQA_PAYLOAD, verdict.payload.size(), verdict.payload.data());
  }
  return message->nlmsg_len;
}

}  // namespace conntrack_ftp
