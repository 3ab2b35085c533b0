#include "confinement.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "arguments.h"
#include "errors.h"

namespace conntrack_ftp {
namespace {

constexpr Limits kCapability{0, CAP_LAST_CAP};

// User id 0 no longer implies any capability.
constexpr unsigned long kSecurebits =
    SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED;

Outcome Prctl(std::string operation, int option, unsigned long first, unsigned long second = 0) {
  if (prctl(option, first, second, 0UL, 0UL) == 0) return {};
  return LastFailure(std::move(operation));
}

/**
 * Without CAP_SETPCAP this is not possible, and not needed: with no_new_privs nothing is gained from the
 * bounding set.
 */
Outcome DropBoundingSet(uint32_t kept) {
  for (uint32_t capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    if (capability == kept) continue;
    // EINVAL: this kernel does not know the capability.
    if (prctl(PR_CAPBSET_DROP, capability, 0UL, 0UL, 0UL) == 0 || errno == EINVAL) continue;
    if (errno == EPERM) return {};
    return LastFailure("drop the capability bounding set");
  }
  return Prctl("set securebits", PR_SET_SECUREBITS, kSecurebits);
}

Outcome KeepCapability(uint32_t kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  const uint32_t bit = CAP_TO_MASK(kept);
  sets.at(CAP_TO_INDEX(kept)) = {bit, bit, bit};
  if (syscall(SYS_capset, &header, sets.data()) != 0) return LastFailure("set capabilities");
  return Prctl("raise an ambient capability", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept);
}

/** The arguments of this process, including Node's own options. */
std::vector<std::string> OwnArguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::vector<std::string> arguments;
  for (size_t at = 0; at < text.size(); at += arguments.back().size() + 1) {
    arguments.emplace_back(text.c_str() + at);
  }
  return arguments;
}

/** At startup Node sets close-on-exec on all open descriptors, so clear it on the standard streams. */
void InheritStandardStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const int flags = fcntl(fd, F_GETFD);
    if (flags >= 0) fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC);
  }
}

/** Returns only if the program cannot be executed. */
Failure ExecuteSelf() {
  std::array<char, 4096> program{};
  if (readlink("/proc/self/exe", program.data(), program.size() - 1) < 0)
    return LastFailure("read /proc/self/exe");
  std::vector<std::string> arguments = OwnArguments();
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  InheritStandardStreams();
  execv(program.data(), pointers.data());
  return LastFailure("re-exec /proc/self/exe");
}

Failure Restart(uint32_t kept) {
  if (Outcome failure = DropBoundingSet(kept)) return *failure;
  if (Outcome failure = KeepCapability(kept)) return *failure;
  if (Outcome failure = Prctl("set no_new_privs", PR_SET_NO_NEW_PRIVS, 1)) return *failure;
  return ExecuteSelf();
}

}  // namespace

Napi::Value RestartWith(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (const auto kept = ToInteger(info[0], "capability", kCapability)) {
    ToError(env, Restart(*kept)).ThrowAsJavaScriptException();
  }
  return env.Undefined();
}

}  // namespace conntrack_ftp
