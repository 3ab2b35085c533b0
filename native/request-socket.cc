#include "request-socket.h"

#include <libmnl/libmnl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string>

#include "arguments.h"

namespace conntrack_ftp {

namespace {

/** Room for a few thousand acknowledgements of one request; each takes about 1 KiB in the kernel. */
constexpr uint32_t kReceiveBufferBytes = 4U << 20U;

constexpr const char* kTransactUsage = "transact needs (request: Uint8Array, response: Uint8Array)";

}  // namespace

Napi::Function RequestSocket::Define(Napi::Env env) {
  return DefineClass(
      env, "RequestSocket",
      {InstanceMethod<&RequestSocket::Transact>("transact"), InstanceMethod<&RequestSocket::Close>("close")});
}

RequestSocket::RequestSocket(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  if (const Outcome failed = socket_.Open()) {
    ToError(info.Env(), *failed).ThrowAsJavaScriptException();
    return;
  }
  // A smaller buffer is enough for all but the largest requests, which then fail with ENOBUFS.
  static_cast<void>(socket_.SetReceiveBuffer(kReceiveBufferBytes));
  info.This().As<Napi::Object>().DefineProperty(Napi::PropertyDescriptor::Value(
      "portId", Napi::Number::New(info.Env(), socket_.port_id()), napi_enumerable));
}

Napi::Value RequestSocket::Transact(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto fail = [env](const Failure& failure) {
    ToError(env, failure).ThrowAsJavaScriptException();
    return Napi::Value();
  };
  if (!IsUint8Array(info[0]) || !IsUint8Array(info[1])) {
    Napi::TypeError::New(env, kTransactUsage).ThrowAsJavaScriptException();
    return {};
  }
  if (!socket_.open()) return fail({"transact on a closed request socket", EBADF});

  auto request = info[0].As<Napi::Uint8Array>();
  auto response = info[1].As<Napi::Uint8Array>();
  const std::span<uint8_t> room(response.Data(), response.ByteLength());
  const std::string size = std::to_string(request.ByteLength());
  const Outcome unsent =
      socket_.Send({request.Data(), request.ByteLength()}, "send a request of " + size + " bytes");
  if (unsent) return fail(*unsent);

  size_t filled = 0;
  for (;;) {
    const ssize_t received = socket_.Receive(room.subspan(filled));
    if (received == -EAGAIN) return Napi::Number::New(env, static_cast<double>(filled));
    if (received < 0) {
      Drain();
      return fail({"receive the answer to a request of " + size + " bytes", static_cast<int>(-received)});
    }
    const auto length = static_cast<size_t>(received);
    if (length > room.size() - filled) {
      Drain();
      return fail({"receive an answer of more than " + std::to_string(room.size()) + " bytes", EMSGSIZE});
    }
    // Aligns each datagram as a message must be; everything that the kernel sends is padded already.
    filled = std::min<size_t>(MNL_ALIGN(filled + length), room.size());
  }
}

void RequestSocket::Drain() const {
  std::array<uint8_t, 1> nothing{};
  ssize_t received = 0;
  while (received >= 0 || received == -ENOBUFS) received = socket_.Receive(nothing);
}

void RequestSocket::Close(const Napi::CallbackInfo& /*info*/) {
  socket_.Close();
}

}  // namespace conntrack_ftp
