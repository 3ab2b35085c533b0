#include "verdict-batch.h"

#include <linux/netfilter.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace conntrack_ftp {

namespace {

/** Sixteen packets of the largest size, or as many of 1,500 bytes as fit. */
constexpr size_t kReplacementBytes = 1U << 20U;

/** More than one verdict with the longest packet needs, and below the default SO_SNDBUF of 208 KiB. */
constexpr size_t kMessageBytes = 128U << 10U;

}  // namespace

/** Collects messages in one buffer, and sends it when it is full. */
class VerdictBatch::Sender {
 public:
  Sender(const NetlinkSocket& socket, uint16_t queue, std::span<uint8_t> buffer)
      : socket_(socket), queue_(queue), buffer_(buffer) {}

  void Add(uint8_t type, const Verdict& verdict) {
    if (used_ + verdict.size() > buffer_.size()) Flush();
    used_ += PutVerdict(buffer_.data() + used_, type, queue_, verdict);
  }

  void Flush() {
    if (used_ > 0) Keep(socket_.Send(buffer_.first(used_), "send verdicts"));
    used_ = 0;
  }

  void Keep(Outcome outcome) {
    if (!failure_) failure_ = std::move(outcome);
  }

  [[nodiscard]] const Outcome& failure() const { return failure_; }

 private:
  const NetlinkSocket& socket_;
  const uint16_t queue_;
  const std::span<uint8_t> buffer_;
  size_t used_ = 0;
  Outcome failure_;
};

bool VerdictBatch::Allocate(size_t batch_size) {
  table_ = Region::Allocate(batch_size * kVerdictStride * sizeof(int32_t));
  replacements_ = Region::Allocate(kReplacementBytes);
  messages_.resize(kMessageBytes);
  return table_ != nullptr && replacements_ != nullptr;
}

const int32_t* VerdictBatch::Row(size_t at) const {
  return table_->columns().data() + at * kVerdictStride;
}

void VerdictBatch::Prefill(size_t count) {
  const std::span<int32_t> rows = table_->columns().first(count * kVerdictStride);
  std::ranges::fill(rows, 0);
  for (size_t at = 0; at < count; ++at) rows[at * kVerdictStride + kVerdict] = NF_ACCEPT;
}

bool VerdictBatch::PlainAccept(size_t at) const {
  return Row(at)[kVerdict] == NF_ACCEPT && Row(at)[kVerdictFlags] == 0;
}

Outcome VerdictBatch::ReadRow(size_t at, uint32_t packet_id, size_t send_limit, Verdict& verdict) const {
  const int32_t* row = Row(at);
  verdict = {.packet_id = packet_id, .verdict = static_cast<uint32_t>(row[kVerdict])};
  if (verdict.verdict != NF_ACCEPT && verdict.verdict != NF_DROP) {
    verdict.verdict = NF_ACCEPT;
    return Failure{"verdict " + std::to_string(row[kVerdict]), EINVAL};
  }
  const auto flags = static_cast<uint32_t>(row[kVerdictFlags]);
  if ((flags & kHasMark) != 0) verdict.mark = static_cast<uint32_t>(row[kNewMark]);
  if ((flags & kHasPayload) == 0) return std::nullopt;

  const int64_t offset = row[kPayloadOffset];
  const int64_t length = row[kPayloadLength];
  const bool inside =
      offset >= 0 && length > 0 && offset + length <= static_cast<int64_t>(replacements_->size());
  if (inside && static_cast<size_t>(length) <= kMaxAttributeValue) {
    verdict.payload = {replacements_->data() + offset, static_cast<size_t>(length)};
    if (verdict.size() <= send_limit) return std::nullopt;
  }
  verdict.payload = {};
  verdict.verdict = NF_DROP;
  return Failure{"replacement of " + std::to_string(length) + " bytes at " + std::to_string(offset),
                 EMSGSIZE};
}

Outcome VerdictBatch::Send(const NetlinkSocket& socket, uint16_t queue, const PacketBatch& packets) {
  const size_t limit = std::min(messages_.size(), socket.send_limit());
  Sender sender(socket, queue, std::span(messages_).first(limit));
  size_t at = 0;
  while (at < packets.count()) {
    const size_t first = at;
    while (at < packets.count() && PlainAccept(at)) ++at;
    if (at > first) {
      // All packets before this run have their verdicts, so the batch verdict applies only to this run.
      const uint8_t type = at - first > 1 ? NFQNL_MSG_VERDICT_BATCH : NFQNL_MSG_VERDICT;
      sender.Add(type, {.packet_id = packets.packet_id(at - 1), .verdict = NF_ACCEPT});
      continue;
    }
    Verdict verdict{};
    sender.Keep(ReadRow(at, packets.packet_id(at), limit, verdict));
    sender.Add(NFQNL_MSG_VERDICT, verdict);
    ++at;
  }
  sender.Flush();
  return sender.failure();
}

}  // namespace conntrack_ftp
