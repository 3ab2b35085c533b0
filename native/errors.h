// Failures, and their conversion to JavaScript errors. Nothing in this addon throws a C++ exception: fallible
// functions return an optional Failure, and only the object that JavaScript called turns it into an Error.
#pragma once

#include <napi.h>

#include <optional>
#include <string>

namespace conntrack_ftp {

/** A system call or a request to the kernel that failed. */
struct Failure {
  /** The attempted operation, as it reads in a sentence: "bind to queue 0". */
  std::string operation;
  /** The positive errno. */
  int error_number;
};

/** Empty means success. */
using Outcome = std::optional<Failure>;

/** Failure with the errno of the system call that just returned. */
Failure LastFailure(std::string operation);

/** The errno's symbol as Node prints it: "EPERM". */
std::string ErrorCode(int error_number);

/** "fail-open: ENOTSUP". */
std::string Describe(const Failure& failure);

/** An Error with `errno` (positive), `code` and `operation`. */
Napi::Error ToError(Napi::Env env, const Failure& failure);

}  // namespace conntrack_ftp
