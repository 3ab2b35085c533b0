#include "queue-socket.h"

#include <cerrno>

#include "arguments.h"
#include "receiver.h"

namespace conntrack_ftp {

namespace {

/** After these, timers and other sockets get their turn; waiting packets are served in the next. */
constexpr int kBatchesPerTurn = 4;

constexpr Limits kQueueNumbers{0, UINT16_MAX};
constexpr Limits kCopyRange{0, kMaxAttributeValue};
constexpr Limits kMaxLength{1, UINT32_MAX};
constexpr Limits kReceiveBuffer{4096, 1U << 30U};
constexpr Limits kBatchSize{1, 1024};

constexpr const char* kUsage =
    "QueueSocket needs (options: object, onBatch: (count) => void, onError: (error) => void)";

}  // namespace

Napi::Function QueueSocket::Define(Napi::Env env) {
  return DefineClass(env, "QueueSocket",
                     {InstanceMethod<&QueueSocket::Close>("close"),
                      Counter<QueueSocket, &QueueSocket::malformed>("malformed"),
                      Counter<QueueSocket, &QueueSocket::rejected>("rejected"),
                      Counter<QueueSocket, &QueueSocket::overruns>("overruns")});
}

QueueSocket::QueueSocket(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  const auto self = info.This().As<Napi::Object>();
  Tag<QueueSocket>(self);
  if (!info[0].IsObject()) {
    Napi::TypeError::New(env, kUsage).ThrowAsJavaScriptException();
    return;
  }
  if (!HasFunctions(info, 1, 2, kUsage)) return;

  Options options(info[0].As<Napi::Object>());
  const QueueConfig config{
      .queue = static_cast<uint16_t>(options.Integer("queue", kQueueNumbers)),
      .copy_range = options.Integer("copyRange", kCopyRange),
      .max_length = options.Integer("maxLength", kMaxLength),
      .fail_open = options.Boolean("failOpen"),
  };
  const uint32_t receive_buffer_bytes = options.Integer("receiveBufferBytes", kReceiveBuffer);
  const uint32_t batch_size = options.Integer("batchSize", kBatchSize);
  if (!options.good()) return;

  queue_ = config.queue;
  on_batch_.emplace(info[1].As<Napi::Function>(), "conntrack-ftp.QueueSocket");
  on_error_.emplace(info[2].As<Napi::Function>(), "conntrack-ftp.QueueSocket");

  std::vector<Failure> refusals;
  Outcome failed;
  if (!packets_.Allocate(batch_size, config.copy_range) || !verdicts_.Allocate(batch_size)) {
    failed = LastFailure("allocate a batch of " + std::to_string(batch_size) + " packets");
  }
  if (!failed) failed = Bind(config, receive_buffer_bytes, refusals);
  if (!failed) failed = poll_.Open(env, socket_.fd(), *this);
  if (failed) {
    ToError(env, *failed).ThrowAsJavaScriptException();
    return;
  }
  Publish(self, refusals);
  Ref();
}

Outcome QueueSocket::Bind(const QueueConfig& config, uint32_t receive_buffer_bytes,
                          std::vector<Failure>& refusals) {
  if (Outcome failed = socket_.Open()) return failed;
  if (Outcome refused = socket_.SetReceiveBuffer(receive_buffer_bytes)) refusals.push_back(*refused);
  if (Outcome refused = socket_.IgnoreOverruns()) refusals.push_back(*refused);
  return ConfigureQueue(socket_, config, refusals);
}

void QueueSocket::Publish(Napi::Object self, const std::vector<Failure>& refusals) const {
  const Napi::Env env = self.Env();
  const Napi::Array sentences = Napi::Array::New(env, refusals.size());
  for (uint32_t at = 0; at < refusals.size(); ++at) sentences.Set(at, Describe(refusals[at]));
  const auto publish = [&self](const char* name, Napi::Value value) {
    self.DefineProperty(Napi::PropertyDescriptor::Value(name, value, napi_enumerable));
  };
  publish("slab", ShareAsArrayBuffer(env, packets_.slab()));
  publish("index", ShareAsInt32Array(env, packets_.index()));
  publish("verdicts", ShareAsInt32Array(env, verdicts_.table()));
  publish("replacements", ShareAsArrayBuffer(env, verdicts_.replacements()));
  publish("refusals", sentences);
}

void QueueSocket::OnReadable() {
  const Napi::HandleScope scope(Env());
  const Napi::Object self = Value();  // Keeps the object alive: closing drops the other reference.
  for (int batch = 0; batch < kBatchesPerTurn; ++batch) {
    const Napi::HandleScope batch_scope(Env());
    if (!ServeBatch(self) || !poll_.open()) return;
  }
}

bool QueueSocket::ServeBatch(Napi::Object self) {
  const int received = packets_.Receive(socket_);
  if (received == -EAGAIN) return false;
  if (received == -ENOBUFS) return true;
  if (received < 0) {
    calling_ = true;  // Delays Release: Report needs the callbacks.
    Close();
    CloseSocket();
    Report(self, {"receive packets of queue " + std::to_string(queue_), -received});
    return false;
  }
  if (packets_.count() > 0) Deliver(self);
  return static_cast<size_t>(received) == packets_.capacity();
}

void QueueSocket::Deliver(Napi::Object self) {
  const auto count = static_cast<double>(packets_.count());
  verdicts_.Prefill(packets_.count());
  calling_ = true;
  napi_value thrown = on_batch_->Call(self, Napi::Number::New(Env(), count));
  calling_ = false;
  const Outcome failed = verdicts_.Send(socket_, queue_, packets_);
  if (!poll_.open()) Release();
  Raise(Env(), thrown);
  if (failed && poll_.open()) Report(self, *failed);
}

void QueueSocket::Report(Napi::Object self, const Failure& failure) {
  calling_ = true;
  napi_value thrown = on_error_->Call(self, ToError(Env(), failure).Value());
  calling_ = false;
  if (!poll_.open()) Release();
  Raise(Env(), thrown);
}

void QueueSocket::Close(const Napi::CallbackInfo& /*info*/) {
  Close();
}

void QueueSocket::Close() {
  if (!poll_.open()) return;
  poll_.Close();
  Unref();
  if (!calling_) Release();
}

void QueueSocket::Release() {
  CloseSocket();
  on_batch_.reset();
  on_error_.reset();
}

void QueueSocket::CloseSocket() {
  overruns_ = overruns();
  socket_.Close();
}

}  // namespace conntrack_ftp
