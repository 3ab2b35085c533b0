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
 * Binds and configures the queue with one datagram of several messages, each with an acknowledgement of its
 * own: a kernel that refuses an optional one still obeys the others. The copy mode comes last, since packets
 * come from then on; between the first message and the last the kernel is at work alone, for about a
 * microsecond.
 *
 * Fails when something that is needed was refused. Optional ones that were refused are added to `refusals`.
 * A packet that overtakes the last acknowledgement is accepted unseen.
 */
Outcome ConfigureQueue(NetlinkSocket& socket, const QueueConfig& config, std::vector<Failure>& refusals);

}  // namespace conntrack_ftp
