// Calls from the event loop into JavaScript.
#pragma once

#include <napi.h>

namespace conntrack_ftp {

/**
 * Makes the call that the event loop makes: with an async context, and with the microtasks run after it.
 * Node-API itself is called rather than node-addon-api: its helpers raise what JavaScript has thrown, and
 * here the caller has verdicts to send first.
 */
class Callback {
 public:
  Callback(Napi::Function function, const char* resource)
      : function_(Napi::Persistent(function)), context_(function.Env(), resource) {}

  /** Answers what JavaScript threw, to be given to `Raise`, or null. Needs an open handle scope. */
  napi_value Call(Napi::Object receiver, napi_value argument);

 private:
  Napi::FunctionReference function_;
  Napi::AsyncContext context_;
};

/** Raises it as an uncaught exception, as an exception in a timer would be. Null is ignored. */
void Raise(Napi::Env env, napi_value thrown);

}  // namespace conntrack_ftp
