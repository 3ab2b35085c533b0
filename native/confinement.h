// Drops the privileges that are not needed.
#pragma once

#include <napi.h>

namespace conntrack_ftp {

/**
 * `restartWith(capability)`: re-executes the running program in the same process, with the same arguments and
 * environment, with only this capability and no way to gain another. Returns only by throwing. Re-executing
 * is necessary because capabilities belong to threads: Node's own threads start before any code of this addon
 * runs, and no thread can drop another's capabilities.
 */
Napi::Value RestartWith(const Napi::CallbackInfo& info);

}  // namespace conntrack_ftp
