// Reads what JavaScript gave. A wrong argument leaves a TypeError or RangeError pending, with the sentence
// that the caller needs.
#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>

namespace conntrack_ftp {

struct Limits {
  uint32_t least;
  uint32_t most;
};

/** `value` as an integer within `limits`; `name` is what the message calls it. */
std::optional<uint32_t> ToInteger(Napi::Value value, const char* name, Limits limits);

/** Reads named options one after the other; what is read after a wrong one is meaningless. */
class Options {
 public:
  explicit Options(Napi::Object object) : object_(object) {}

  uint32_t Integer(const char* name, Limits limits);
  bool Boolean(const char* name);
  /** False when an exception is pending. */
  [[nodiscard]] bool good() const { return good_; }

 private:
  Napi::Object object_;
  bool good_ = true;
};

/** A Buffer is one too; a Uint8ClampedArray is not. */
bool IsUint8Array(Napi::Value value);

/** Whether arguments `first` and on are as many functions as asked for; otherwise `usage` is thrown. */
bool HasFunctions(const Napi::CallbackInfo& info, size_t first, size_t count, const char* usage);

}  // namespace conntrack_ftp
