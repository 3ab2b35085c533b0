// A netlink socket for requests: sends one and reads its answer in one synchronous call.
#pragma once

#include <napi.h>

#include "netlink-socket.h"

namespace conntrack_ftp {

/** JavaScript's `RequestSocket`; the garbage collector closes it if it is no longer referenced. */
class RequestSocket final : public Napi::ObjectWrap<RequestSocket> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit RequestSocket(const Napi::CallbackInfo& info);

 private:
  Napi::Value Transact(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);
  /** Discards answers that did not fit, so that the next transaction does not read them as its own. */
  void Drain() const;

  NetlinkSocket socket_;
};

}  // namespace conntrack_ftp
