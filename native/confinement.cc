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

// A user id of 0 stands for no capability any more.
constexpr unsigned long kRootIsNobody =
    SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED;

Outcome Prctl(std::string operation, int option, unsigned long first, unsigned long second = 0) {
  if (prctl(option, first, second, 0UL, 0UL) == 0) return {};
  return LastFailure(std::move(operation));
}

/** Who lacks CAP_SETPCAP cannot, and need not: without new privileges nothing is gained from the bounding
 * set. */
Outcome DropBoundingSet(uint32_t kept) {
  for (uint32_t capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    if (capability == kept) continue;
    // A capability that this kernel does not know is not there to be dropped.
    if (prctl(PR_CAPBSET_DROP, capability, 0UL, 0UL, 0UL) == 0 || errno == EINVAL) continue;
    if (errno == EPERM) return {};
    return LastFailure("drop the bounding set");
  }
  return Prctl("have root be nobody", PR_SET_SECUREBITS, kRootIsNobody);
}

Outcome KeepCapability(uint32_t kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  const uint32_t bit = CAP_TO_MASK(kept);
  sets.at(CAP_TO_INDEX(kept)) = {bit, bit, bit};
  if (syscall(SYS_capset, &header, sets.data()) != 0) return LastFailure("give up capabilities");
  return Prctl("keep a capability", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept);
}

/** The arguments of this process, the options of Node itself included. */
std::vector<std::string> OwnArguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::vector<std::string> arguments;
  for (size_t at = 0; at < text.size(); at += arguments.back().size() + 1) {
    arguments.emplace_back(text.c_str() + at);
  }
  return arguments;
}

/** Node marks whatever it finds open at its start as its own. */
void HandOnStandardStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const int flags = fcntl(fd, F_GETFD);
    if (flags >= 0) fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC);
  }
}

/** Returns where the program cannot be started. */
Failure ExecuteSelf() {
  std::array<char, 4096> program{};
  if (readlink("/proc/self/exe", program.data(), program.size() - 1) < 0)
    return LastFailure("find the own program");
  std::vector<std::string> arguments = OwnArguments();
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  HandOnStandardStreams();
  execv(program.data(), pointers.data());
  return LastFailure("start the own program anew");
}

Failure Restart(uint32_t kept) {
  if (Outcome failure = DropBoundingSet(kept)) return *failure;
  if (Outcome failure = KeepCapability(kept)) return *failure;
  if (Outcome failure = Prctl("forbid new privileges", PR_SET_NO_NEW_PRIVS, 1)) return *failure;
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
