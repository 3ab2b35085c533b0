#include "netlink-socket.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace conntrack_ftp {

namespace {

/** netlink_sendmsg (net/netlink/af_netlink.c) reserves this much of SO_SNDBUF. */
constexpr size_t kSendBufferReserve = 32;

int IntegerOption(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof(value);
  return getsockopt(fd, level, name, &value, &length) == 0 ? value : 0;
}

}  // namespace

Outcome NetlinkSocket::Open() {
  fd_ = UniqueFd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!fd_.valid()) return LastFailure("open a netfilter netlink socket");

  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd(), generic, length) != 0 || getsockname(fd(), generic, &length) != 0) {
    return LastFailure("bind a netfilter netlink socket");
  }
  port_id_ = address.nl_pid;
  const auto buffer = static_cast<size_t>(IntegerOption(fd(), SOL_SOCKET, SO_SNDBUF));
  send_limit_ = buffer > kSendBufferReserve ? buffer - kSendBufferReserve : 0;

  // Kernels before 4.12 lack one or both; acknowledgements are then longer and have no text.
  static_cast<void>(SetOption(SOL_NETLINK, NETLINK_EXT_ACK, 1));
  static_cast<void>(SetOption(SOL_NETLINK, NETLINK_CAP_ACK, 1));
  return std::nullopt;
}

bool NetlinkSocket::SetOption(int level, int name, int value) const {
  return setsockopt(fd(), level, name, &value, sizeof(value)) == 0;
}

Outcome NetlinkSocket::SetReceiveBuffer(uint32_t bytes) {
  const int wanted = static_cast<int>(bytes);
  if (SetOption(SOL_SOCKET, SO_RCVBUFFORCE, wanted)) return std::nullopt;
  Failure refused = LastFailure("receive buffer of " + std::to_string(bytes) + " bytes");
  // The kernel doubles the requested size, and silently limits it to net.core.rmem_max.
  const bool granted =
      SetOption(SOL_SOCKET, SO_RCVBUF, wanted) && IntegerOption(fd(), SOL_SOCKET, SO_RCVBUF) / 2 >= wanted;
  if (granted) return std::nullopt;
  return refused;
}

Outcome NetlinkSocket::IgnoreOverruns() {
  if (SetOption(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)) return std::nullopt;
  return LastFailure("ignore overruns");
}

Outcome NetlinkSocket::JoinGroup(uint32_t group) {
  if (SetOption(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, static_cast<int>(group))) return std::nullopt;
  return LastFailure("join netfilter group " + std::to_string(group));
}

uint32_t NetlinkSocket::lost() const {
  std::array<uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t length = sizeof(memory);
  const int answer = getsockopt(fd(), SOL_SOCKET, SO_MEMINFO, memory.data(), &length);
  return answer == 0 ? memory[SK_MEMINFO_DROPS] : 0;
}

Outcome NetlinkSocket::Send(std::span<const uint8_t> messages, const std::string& operation) const {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  ssize_t sent = 0;
  do {
    sent = sendto(fd(), messages.data(), messages.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
                  sizeof(kernel));
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return std::nullopt;
  return LastFailure(operation);
}

ssize_t NetlinkSocket::Receive(std::span<uint8_t> into) const {
  ssize_t received = 0;
  do {
    received = recv(fd(), into.data(), into.size(), MSG_DONTWAIT | MSG_TRUNC);
  } while (received < 0 && errno == EINTR);
  return received < 0 ? -errno : received;
}

}  // namespace conntrack_ftp
