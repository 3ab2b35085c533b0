// Sheds the privileges that are not needed.
#pragma once

#include <napi.h>

namespace conntrack_ftp {

/**
 * `restartWith(capability)`: starts the running program anew, in the same process, with the same arguments
 * and environment, with no capability but this one and no way to gain another. Returns only by throwing. It
 * takes a new program, because capabilities belong to threads: Node's own are there before any of our code
 * runs, and none can take away another's.
 */
Napi::Value RestartWith(const Napi::CallbackInfo& info);

}  // namespace conntrack_ftp
