// The configuration of one NFQUEUE.
#pragma once

#include <cstdint>
#include <vector>

#include "errors.h"
#include "netlink-socket.h"

namespace conntrack_ftp {

struct QueueConfig {
  uint16_t queue;
  uint32_t copy_range;
  uint32_t max_length;
  bool fail_open;
};

/**
 * Binds and configures the queue with one datagram of several messages, each acknowledged separately: a
 * kernel that refuses an optional one still applies the others. The copy mode comes last, because packets
 * arrive from then on; the kernel needs about a microsecond from the first message to the last.
 *
 * Fails if a required setting was refused. Refused optional settings are added to `refusals`. A packet that
 * arrives before the last acknowledgement is accepted without being seen.
 */
Outcome ConfigureQueue(NetlinkSocket& socket, const QueueConfig& config, std::vector<Failure>& refusals);

}  // namespace conntrack_ftp
