#include "poll-handle.h"

#include <uv.h>

#include <cerrno>
#include <memory>

namespace conntrack_ftp {

struct PollHandle::Watch {
  uv_poll_t poll{};
  Readable* readable = nullptr;
  /** The only handle that may close this; null once closing has begun. */
  PollHandle* owner = nullptr;
  napi_async_cleanup_hook_handle cleanup_hook = nullptr;

  static void OnPoll(uv_poll_t* poll, int status, int /*events*/) {
    auto* watch = static_cast<Watch*>(poll->data);
    watch->readable->OnReadable();
    // libuv treats a pending socket error, such as a receive buffer overrun, as a bad descriptor and stops
    // watching. Reading has cleared the error by now; a truly bad descriptor has been closed.
    if (status < 0 && watch->owner != nullptr) uv_poll_start(poll, UV_READABLE, OnPoll);
  }

  static void OnClosed(uv_handle_t* handle) {
    const std::unique_ptr<Watch> watch(static_cast<Watch*>(handle->data));
    if (watch->cleanup_hook != nullptr) napi_remove_async_cleanup_hook(watch->cleanup_hook);
  }

  static void OnEnvironmentEnd(napi_async_cleanup_hook_handle /*hook*/, void* data) {
    const auto* watch = static_cast<Watch*>(data);
    if (watch->owner != nullptr) watch->owner->Close();
  }
};

Outcome PollHandle::Open(Napi::Env env, int fd, Readable& readable) {
  Close();
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return Failure{"find the event loop", ENOSYS};

  auto watch = std::make_unique<Watch>();
  if (const int error = uv_poll_init(loop, &watch->poll, fd); error != 0) {
    return Failure{"watch a socket", -error};
  }
  // From here on the loop has the handle: only OnClosed may free it.
  watch_ = watch.release();
  watch_->poll.data = watch_;
  watch_->readable = &readable;
  watch_->owner = this;

  if (napi_add_async_cleanup_hook(env, Watch::OnEnvironmentEnd, watch_, &watch_->cleanup_hook) != napi_ok) {
    Close();
    return Failure{"watch for the end of the environment", ENOMEM};
  }
  if (const int error = uv_poll_start(&watch_->poll, UV_READABLE, Watch::OnPoll); error != 0) {
    Close();
    return Failure{"watch a socket", -error};
  }
  return std::nullopt;
}

void PollHandle::Close() {
  if (watch_ == nullptr) return;
  watch_->owner = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&watch_->poll), Watch::OnClosed);
  watch_ = nullptr;
}

}  // namespace conntrack_ftp
