// Listens to multicast groups of the netfilter subsystems: conntrack and expectation events.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <vector>

#include "callback.h"
#include "netlink-socket.h"
#include "poll-handle.h"
#include "region.h"

namespace conntrack_ftp {

/** JavaScript's `EventSocket`. While open it keeps the event loop alive, like any other handle. */
class EventSocket final : public Napi::ObjectWrap<EventSocket>, private Readable {
 public:
  static constexpr napi_type_tag kTypeTag{0x3c5e90d2b7164fa8, 0xa1f80e5d94c7326b};

  static Napi::Function Define(Napi::Env env);
  explicit EventSocket(const Napi::CallbackInfo& info);

  [[nodiscard]] uint32_t overruns() const { return overruns_; }

 private:
  Outcome Subscribe(const std::vector<uint32_t>& groups, uint32_t receive_buffer_bytes);

  void OnReadable() override;
  /** Fills the slab once; returns whether more may be waiting. */
  bool ServeSlab(Napi::Object self);
  void Call(Callback& callback, Napi::Object self, napi_value argument);

  void Close(const Napi::CallbackInfo& info);
  void Close();
  /** The last step of closing: drops the callbacks, which may refer to this object. */
  void Release();

  NetlinkSocket socket_;
  std::shared_ptr<Region> slab_;
  std::optional<Callback> on_events_;
  std::optional<Callback> on_error_;
  uint32_t overruns_ = 0;
  /** JavaScript is being called; if it closes the socket, the callbacks are released after it returns. */
  bool calling_ = false;
  /** Last member, so that it is closed first. */
  PollHandle poll_;
};

}  // namespace conntrack_ftp
