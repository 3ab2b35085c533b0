// Calls from the event loop into JavaScript.
#pragma once

#include <napi.h>

namespace conntrack_ftp {

/**
 * Calls JavaScript as the event loop does: with an async context, and running microtasks afterwards. Uses
 * Node-API directly because node-addon-api's helpers raise what JavaScript throws at once, and the caller
 * must send verdicts first.
 */
class Callback {
 public:
  Callback(Napi::Function function, const char* resource)
      : function_(Napi::Persistent(function)), context_(function.Env(), resource) {}

  /** Returns what JavaScript threw, for `Raise`, or null. Needs an open handle scope. */
  napi_value Call(Napi::Object receiver, napi_value argument);

 private:
  Napi::FunctionReference function_;
  Napi::AsyncContext context_;
};

/** Raises `thrown` as an uncaught exception, like an exception in a timer. Null is ignored. */
void Raise(Napi::Env env, napi_value thrown);

}  // namespace conntrack_ftp
