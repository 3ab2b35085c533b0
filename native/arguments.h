// Reads arguments from JavaScript. A wrong argument leaves a TypeError or RangeError pending, with a message
// for the caller.
#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>

namespace conntrack_ftp {

struct Limits {
  uint32_t least;
  uint32_t most;
};

/** `value` as an integer within `limits`; `name` is its name in the error message. */
std::optional<uint32_t> ToInteger(Napi::Value value, const char* name, Limits limits);

/** Reads named options one after the other; values read after a wrong one are meaningless. */
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

/** True for a Buffer too; false for a Uint8ClampedArray. */
bool IsUint8Array(Napi::Value value);

/** Whether the `count` arguments from `first` on are functions; otherwise throws `usage`. */
bool HasFunctions(const Napi::CallbackInfo& info, size_t first, size_t count, const char* usage);

}  // namespace conntrack_ftp
