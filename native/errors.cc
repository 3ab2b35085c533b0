#include "errors.h"

#include <uv.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace conntrack_ftp {

Failure LastFailure(std::string operation) {
  return {std::move(operation), errno};
}

std::string ErrorCode(int error_number) {
  std::array<char, 64> name{};
  return uv_err_name_r(-error_number, name.data(), name.size());
}

std::string Describe(const Failure& failure) {
  return failure.operation + ": " + ErrorCode(failure.error_number);
}

Napi::Error ToError(Napi::Env env, const Failure& failure) {
  const std::string text = std::system_category().message(failure.error_number);
  Napi::Error error = Napi::Error::New(env, Describe(failure) + " (" + text + ")");
  Napi::Object fields = error.Value();
  fields.Set("errno", Napi::Number::New(env, failure.error_number));
  fields.Set("code", Napi::String::New(env, ErrorCode(failure.error_number)));
  fields.Set("operation", Napi::String::New(env, failure.operation));
  return error;
}

}  // namespace conntrack_ftp
