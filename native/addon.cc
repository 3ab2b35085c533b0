// The addon's exports. Each environment (the main thread, each worker) has its own classes; there is no
// static state.
#include <napi.h>

#include "confinement.h"
#include "event-socket.h"
#include "queue-socket.h"
#include "request-socket.h"

namespace conntrack_ftp {

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    DefineAddon(exports, {InstanceValue("QueueSocket", QueueSocket::Define(env), napi_enumerable),
                          InstanceValue("RequestSocket", RequestSocket::Define(env), napi_enumerable),
                          InstanceValue("EventSocket", EventSocket::Define(env), napi_enumerable),
                          InstanceValue("restartWith", Napi::Function::New(env, RestartWith, "restartWith"),
                                        napi_enumerable)});
  }
};

NODE_API_ADDON(Addon)

}  // namespace conntrack_ftp
