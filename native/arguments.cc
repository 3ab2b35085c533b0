#include "arguments.h"

#include <cmath>
#include <string>

namespace conntrack_ftp {

namespace {

std::string Demand(const char* name, Limits limits) {
  return std::string(name) + " must be an integer from " + std::to_string(limits.least) + " to " +
         std::to_string(limits.most);
}

}  // namespace

std::optional<uint32_t> ToInteger(Napi::Value value, const char* name, Limits limits) {
  if (!value.IsNumber()) {
    Napi::TypeError::New(value.Env(), Demand(name, limits)).ThrowAsJavaScriptException();
    return std::nullopt;
  }
  const double number = value.As<Napi::Number>().DoubleValue();
  // Written so that NaN fails too.
  if (!(number >= limits.least && number <= limits.most) || std::trunc(number) != number) {
    const std::string given = value.ToString().Utf8Value();
    Napi::RangeError::New(value.Env(), Demand(name, limits) + ", not " + given).ThrowAsJavaScriptException();
    return std::nullopt;
  }
  return static_cast<uint32_t>(number);
}

uint32_t Options::Integer(const char* name, Limits limits) {
  if (!good_) return limits.least;
  const Napi::Value value = object_.Get(name);
  good_ = !object_.Env().IsExceptionPending();
  if (!good_) return limits.least;
  const std::optional<uint32_t> number = ToInteger(value, name, limits);
  good_ = number.has_value();
  return number.value_or(limits.least);
}

bool Options::Boolean(const char* name) {
  if (!good_) return false;
  const Napi::Value value = object_.Get(name);
  good_ = !object_.Env().IsExceptionPending();
  if (!good_) return false;
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  good_ = false;
  Napi::TypeError::New(object_.Env(), std::string(name) + " must be true or false")
      .ThrowAsJavaScriptException();
  return false;
}

bool IsUint8Array(Napi::Value value) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
}

bool HasFunctions(const Napi::CallbackInfo& info, size_t first, size_t count, const char* usage) {
  for (size_t at = first; at < first + count; ++at) {
    if (info[at].IsFunction()) continue;
    Napi::TypeError::New(info.Env(), usage).ThrowAsJavaScriptException();
    return false;
  }
  return true;
}

}  // namespace conntrack_ftp
