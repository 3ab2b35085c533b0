#include "event-socket.h"

#include <libmnl/libmnl.h>

#include <cerrno>
#include <span>

#include "arguments.h"
#include "receiver.h"

namespace conntrack_ftp {

namespace {

/** Far more than an event needs: a few hundred bytes with all its attributes. */
constexpr size_t kEventBytes = 8U << 10U;
/** One callback delivers up to about 500 events. */
constexpr size_t kSlabBytes = 128U << 10U;
constexpr int kSlabsPerTurn = 4;

constexpr Limits kReceiveBuffer{4096, 1U << 30U};
constexpr Limits kGroups{1, UINT16_MAX};

constexpr const char* kUsage =
    "EventSocket needs (groups: number[], receiveBufferBytes: number, onEvents: (length) => void, "
    "onError: (error) => void)";

/** Returns nothing, with an exception pending, if an element is not a group number. */
std::optional<std::vector<uint32_t>> ToGroups(Napi::Array numbers) {
  std::vector<uint32_t> groups;
  for (uint32_t at = 0; at < numbers.Length(); ++at) {
    const Napi::Value number = numbers.Get(at);
    if (numbers.Env().IsExceptionPending()) return std::nullopt;
    const std::optional<uint32_t> group = ToInteger(number, "group", kGroups);
    if (!group) return std::nullopt;
    groups.push_back(*group);
  }
  return groups;
}

}  // namespace

Napi::Function EventSocket::Define(Napi::Env env) {
  return DefineClass(env, "EventSocket",
                     {InstanceMethod<&EventSocket::Close>("close"),
                      Counter<EventSocket, &EventSocket::overruns>("overruns")});
}

EventSocket::EventSocket(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  const auto self = info.This().As<Napi::Object>();
  Tag<EventSocket>(self);
  if (!info[0].IsArray()) {
    Napi::TypeError::New(env, kUsage).ThrowAsJavaScriptException();
    return;
  }
  const auto groups = ToGroups(info[0].As<Napi::Array>());
  if (!groups) return;
  const auto receive_buffer_bytes = ToInteger(info[1], "receiveBufferBytes", kReceiveBuffer);
  if (!receive_buffer_bytes || !HasFunctions(info, 2, 2, kUsage)) return;
  on_events_.emplace(info[2].As<Napi::Function>(), "conntrack-ftp.EventSocket");
  on_error_.emplace(info[3].As<Napi::Function>(), "conntrack-ftp.EventSocket");

  slab_ = Region::Allocate(kSlabBytes);
  Outcome failed;
  if (slab_ == nullptr) failed = LastFailure("allocate a slab for events");
  if (!failed) failed = Subscribe(*groups, *receive_buffer_bytes);
  if (!failed) failed = poll_.Open(env, socket_.fd(), *this);
  if (failed) {
    ToError(env, *failed).ThrowAsJavaScriptException();
    return;
  }
  self.DefineProperty(
      Napi::PropertyDescriptor::Value("slab", ShareAsArrayBuffer(env, slab_), napi_enumerable));
  Ref();
}

Outcome EventSocket::Subscribe(const std::vector<uint32_t>& groups, uint32_t receive_buffer_bytes) {
  if (Outcome failed = socket_.Open()) return failed;
  // A smaller buffer loses events sooner; `overruns` counts them.
  static_cast<void>(socket_.SetReceiveBuffer(receive_buffer_bytes));
  for (const uint32_t group : groups) {
    if (Outcome failed = socket_.JoinGroup(group)) return failed;
  }
  return std::nullopt;
}

void EventSocket::OnReadable() {
  const Napi::HandleScope scope(Env());
  const Napi::Object self = Value();  // Keeps the object alive: closing drops the other reference.
  for (int slab = 0; slab < kSlabsPerTurn; ++slab) {
    const Napi::HandleScope slab_scope(Env());
    if (!ServeSlab(self) || !poll_.open()) return;
  }
}

bool EventSocket::ServeSlab(Napi::Object self) {
  const std::span<uint8_t> room(slab_->data(), slab_->size());
  size_t filled = 0;
  ssize_t received = 0;
  while (room.size() - filled >= kEventBytes) {
    received = socket_.Receive(room.subspan(filled));
    const bool lost = received == -ENOBUFS || received > static_cast<ssize_t>(room.size() - filled);
    if (lost) ++overruns_;
    if (received < 0 && !lost) break;
    if (!lost) filled += MNL_ALIGN(static_cast<size_t>(received));
  }
  if (filled > 0) Call(*on_events_, self, Napi::Number::New(Env(), static_cast<double>(filled)));
  if (received >= 0 || received == -EAGAIN) return received >= 0;
  if (!poll_.open()) return false;
  calling_ = true;  // Delays Release: the call below needs the callbacks.
  Close();
  const Failure failure{"receive events", static_cast<int>(-received)};
  Call(*on_error_, self, ToError(Env(), failure).Value());
  return false;
}

void EventSocket::Call(Callback& callback, Napi::Object self, napi_value argument) {
  calling_ = true;
  napi_value thrown = callback.Call(self, argument);
  calling_ = false;
  if (!poll_.open()) Release();
  Raise(Env(), thrown);
}

void EventSocket::Close(const Napi::CallbackInfo& /*info*/) {
  Close();
}

void EventSocket::Close() {
  if (!poll_.open()) return;
  poll_.Close();
  Unref();
  socket_.Close();
  if (!calling_) Release();
}

void EventSocket::Release() {
  on_events_.reset();
  on_error_.reset();
}

}  // namespace conntrack_ftp
