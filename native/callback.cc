#include "callback.h"

namespace conntrack_ftp {

napi_value Callback::Call(Napi::Object receiver, napi_value argument) {
  napi_env env = receiver.Env();
  const napi_status status =
      napi_make_callback(env, context_, receiver, function_.Value(), 1, &argument, nullptr);
  if (status == napi_ok) return nullptr;

  // While a worker is being terminated, every call fails without an exception.
  bool pending = false;
  napi_value thrown = nullptr;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return nullptr;
  if (napi_get_and_clear_last_exception(env, &thrown) != napi_ok) return nullptr;
  return thrown;
}

void Raise(Napi::Env env, napi_value thrown) {
  if (thrown != nullptr) napi_fatal_exception(env, thrown);
}

}  // namespace conntrack_ftp
