// A NETLINK_NETFILTER socket: only system calls, no message is read or written here.
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
  /** Opens the socket: non-blocking, close-on-exec, with a port id of its own. */
  Outcome Open();
  /** Closes the socket; the kernel releases its bindings before this returns. */
  void Close() { fd_.Reset(); }

  [[nodiscard]] bool open() const { return fd_.valid(); }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] uint32_t port_id() const { return port_id_; }

  /** Sets the receive buffer size, beyond net.core.rmem_max if permitted. Fails if it got less. */
  Outcome SetReceiveBuffer(uint32_t bytes);
  /**
   * If the receive buffer is full, only the message that does not fit is lost, instead of all until it is
   * empty.
   */
  Outcome IgnoreOverruns();
  Outcome JoinGroup(uint32_t group);
  /** Kernel messages lost because the receive buffer was full; 0 before Linux 4.12. */
  [[nodiscard]] uint32_t lost() const;
  /** The largest datagram that `Send` can take. */
  [[nodiscard]] size_t send_limit() const { return send_limit_; }

  /** The kernel handles the messages, and queues its answers to this socket, before this returns. */
  [[nodiscard]] Outcome Send(std::span<const uint8_t> messages, const std::string& operation) const;
  /** Receives one datagram. Returns its full length, even if that exceeds `into`, or a negative errno. */
  [[nodiscard]] ssize_t Receive(std::span<uint8_t> into) const;

 private:
  [[nodiscard]] bool SetOption(int level, int name, int value) const;

  UniqueFd fd_;
  uint32_t port_id_ = 0;
  size_t send_limit_ = 0;
};

}  // namespace conntrack_ftp
