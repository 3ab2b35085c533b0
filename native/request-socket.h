// A netlink socket for requests: send, and read the answer, in one synchronous call.
#pragma once

#include <napi.h>

#include "netlink-socket.h"

namespace conntrack_ftp {

/** JavaScript's `RequestSocket`; one that is forgotten is closed by the garbage collector. */
class RequestSocket final : public Napi::ObjectWrap<RequestSocket> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit RequestSocket(const Napi::CallbackInfo& info);

 private:
  Napi::Value Transact(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);
  /** Throws away answers that found no room, so that the next transaction does not read them as its own. */
  void Drain() const;

  NetlinkSocket socket_;
};

}  // namespace conntrack_ftp
