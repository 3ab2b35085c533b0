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
 * JavaScript's `QueueSocket`. While open it keeps the event loop alive like any other handle, even if
 * JavaScript no longer refers to it: collecting it would make its queue drop every packet.
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
  /** Binds the queue as `config` says; returns a failure if the queue cannot be used. */
  Outcome Bind(const QueueConfig& config, uint32_t receive_buffer_bytes, std::vector<Failure>& refusals);
  /** Defines the tables and `refusals` as properties for JavaScript. */
  void Publish(Napi::Object self, const std::vector<Failure>& refusals) const;

  void OnReadable() override;
  /** Serves one batch; returns whether more may be waiting. */
  bool ServeBatch(Napi::Object self);
  void Deliver(Napi::Object self);
  void Report(Napi::Object self, const Failure& failure);

  void Close(const Napi::CallbackInfo& info);
  void Close();
  /**
   * The last step of closing: closes the descriptor and drops the callbacks, which may refer to this object.
   */
  void Release();
  void CloseSocket();

  NetlinkSocket socket_;
  PacketBatch packets_;
  VerdictBatch verdicts_;
  std::optional<Callback> on_batch_;
  std::optional<Callback> on_error_;
  uint16_t queue_ = 0;
  /** The socket's overruns when it was closed. */
  uint32_t overruns_ = 0;
  /** JavaScript is being called; if it closes the socket, that is released after the verdicts are sent. */
  bool calling_ = false;
  /** Last member, so that it is closed first. */
  PollHandle poll_;
};

}  // namespace conntrack_ftp
