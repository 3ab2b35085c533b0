// A bound NFQUEUE: packets to JavaScript, verdicts back to the kernel.
#pragma once

#include <napi.h>

#include <optional>

#include "callback.h"
#include "netlink-socket.h"
#include "packet-batch.h"
#include "poll-handle.h"
#include "queue-config.h"
#include "verdict-batch.h"

namespace conntrack_ftp {

/**
 * JavaScript's `QueueSocket`. While it is open it is alive like any other handle of the event loop, whether
 * JavaScript still refers to it or not: its queue would drop every packet if it went.
 */
class QueueSocket final : public Napi::ObjectWrap<QueueSocket>, private Readable {
 public:
  static constexpr napi_type_tag kTypeTag{0x8b1f2d6a5c3e4f70, 0x9d24c1e7a06b5835};

  static Napi::Function Define(Napi::Env env);
  explicit QueueSocket(const Napi::CallbackInfo& info);

  [[nodiscard]] uint32_t malformed() const { return packets_.malformed(); }
  [[nodiscard]] uint32_t rejected() const { return packets_.rejected(); }
  [[nodiscard]] uint32_t overruns() const { return socket_.open() ? socket_.lost() : overruns_; }

 private:
  /** Binds the queue as `config` says; answers a failure when it cannot serve. */
  Outcome Bind(const QueueConfig& config, uint32_t receive_buffer_bytes, std::vector<Failure>& refusals);
  /** Makes the tables and `refusals` visible to JavaScript. */
  void Publish(Napi::Object self, const std::vector<Failure>& refusals) const;

  void OnReadable() override;
  /** One batch; answers whether more may be waiting. */
  bool ServeBatch(Napi::Object self);
  void Deliver(Napi::Object self);
  void Report(Napi::Object self, const Failure& failure);

  void Close(const Napi::CallbackInfo& info);
  void Close();
  /** The end of closing: lets go of the descriptor, and of the callbacks, which may refer to this object. */
  void Release();
  void CloseSocket();

  NetlinkSocket socket_;
  PacketBatch packets_;
  VerdictBatch verdicts_;
  std::optional<Callback> on_batch_;
  std::optional<Callback> on_error_;
  uint16_t queue_ = 0;
  /** Of the socket, when it was closed. */
  uint32_t overruns_ = 0;
  /** JavaScript is being called: what it closes is released when it returns, and has sent its verdicts. */
  bool calling_ = false;
  /** Last, so that it is closed first. */
  PollHandle poll_;
};

}  // namespace conntrack_ftp
