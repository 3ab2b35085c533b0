// A NETLINK_NETFILTER socket: system calls only, no message is read or written here.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>

#include "errors.h"
#include "unique-fd.h"

namespace conntrack_ftp {

class NetlinkSocket {
 public:
  /** Opens it without blocking, closed on exec, with a port id of its own. */
  Outcome Open();
  /** Closes it; the kernel unbinds what was bound to it before this returns. */
  void Close() { fd_.Reset(); }

  [[nodiscard]] bool open() const { return fd_.valid(); }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] uint32_t port_id() const { return port_id_; }

  /** Asks for a receive buffer, beyond net.core.rmem_max where that is permitted. Fails when it got less. */
  Outcome SetReceiveBuffer(uint32_t bytes);
  /** A message that finds the receive buffer full is lost alone, instead of all until the buffer is empty. */
  Outcome IgnoreOverruns();
  Outcome JoinGroup(uint32_t group);
  /** Messages of the kernel that found the receive buffer full and were lost; 0 before Linux 4.12. */
  [[nodiscard]] uint32_t lost() const;
  /** The greatest datagram that `Send` can take. */
  [[nodiscard]] size_t send_limit() const { return send_limit_; }

  /** The kernel handles the messages, and queues its answers to this socket, before this returns. */
  [[nodiscard]] Outcome Send(std::span<const uint8_t> messages, const std::string& operation) const;
  /** One datagram. Answers its whole length, even where that exceeds `into`, or a negative errno. */
  [[nodiscard]] ssize_t Receive(std::span<uint8_t> into) const;

 private:
  [[nodiscard]] bool SetOption(int level, int name, int value) const;

  UniqueFd fd_;
  uint32_t port_id_ = 0;
  size_t send_limit_ = 0;
};

}  // namespace conntrack_ftp
