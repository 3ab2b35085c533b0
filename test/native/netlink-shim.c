/*
 * Runs between the addon and the C library (LD_PRELOAD) to log what the addon sends and to imitate kernels that
 * are not available. Each part is off unless its environment variable is set:
 *
 * SHIM_SEND_LOG=FILE     each netlink datagram is appended to FILE as a line of hexadecimal digits
 * SHIM_CONFIG_FLAGS=N    NFQA_CFG_FLAGS and NFQA_CFG_MASK of a queue's configuration become N
 * SHIM_RECEIVE_ERRNO=N   recvmmsg fails with N
 * SHIM_RECEIVE_BYTES=N   recvmmsg has room for N bytes of each datagram
 * SHIM_BEFORE_ACK=TEXT   the last message of a queue's configuration is sent without an acknowledgement request,
 *                        the shell runs TEXT, and the message is sent again unchanged: packets come before its
 *                        acknowledgement
 * SHIM_VERDICT_ERRNO=N   the first datagram of verdicts is not sent and fails with N
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char* setting(const char* name) {
  return getenv(name);
}

static void log_datagram(const uint8_t* bytes, size_t length) {
  FILE* log = fopen(setting("SHIM_SEND_LOG"), "a");
  if (log == NULL) return;
  for (size_t at = 0; at < length; at++) fprintf(log, "%02x", bytes[at]);
  fputc('\n', log);
  fclose(log);
}

/* Replaces the value of one attribute type in every message of the datagram. */
static void rewrite(uint8_t* bytes, size_t length, uint16_t message_type, uint16_t attribute_type,
                    uint32_t value) {
  size_t at = 0;
  while (at + NLMSG_HDRLEN <= length) {
    struct nlmsghdr* message = (struct nlmsghdr*)(bytes + at);
    size_t end = at + message->nlmsg_len;
    size_t next = at + NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));
    while (message->nlmsg_type == message_type && next + NLA_HDRLEN <= end) {
      struct nlattr* attribute = (struct nlattr*)(bytes + next);
      if (attribute->nla_type == attribute_type) memcpy(bytes + next + NLA_HDRLEN, &value, sizeof(value));
      next += NLA_ALIGN(attribute->nla_len);
    }
    at += NLMSG_ALIGN(message->nlmsg_len);
  }
}

static int is_verdict(const uint8_t* bytes) {
  const struct nlmsghdr* message = (const struct nlmsghdr*)bytes;
  return message->nlmsg_type == ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT) ||
         message->nlmsg_type == ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT_BATCH);
}

typedef ssize_t (*sendto_function)(int, const void*, size_t, int, const struct sockaddr*, socklen_t);

/* Sends all messages, the last one without requesting its acknowledgement; returns where that one begins. */
static size_t send_without_last_ack(sendto_function real, int fd, uint8_t* bytes, size_t length,
                                    const struct sockaddr* to, socklen_t to_length) {
  size_t last = 0;
  for (size_t at = 0; at < length; at += NLMSG_ALIGN(((struct nlmsghdr*)(bytes + at))->nlmsg_len)) last = at;
  struct nlmsghdr* message = (struct nlmsghdr*)(bytes + last);
  message->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
  real(fd, bytes, length, 0, to, to_length);
  message->nlmsg_flags |= NLM_F_ACK;
  return last;
}

static ssize_t send_configuration(sendto_function real, int fd, uint8_t* bytes, size_t length,
                                  const struct sockaddr* to, socklen_t to_length) {
  uint16_t config = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_CONFIG;
  if (setting("SHIM_CONFIG_FLAGS") != NULL) {
    uint32_t value = htonl((uint32_t)atoi(setting("SHIM_CONFIG_FLAGS")));
    rewrite(bytes, length, config, NFQA_CFG_FLAGS, value);
    rewrite(bytes, length, config, NFQA_CFG_MASK, value);
  }
  if (setting("SHIM_BEFORE_ACK") == NULL) return real(fd, bytes, length, 0, to, to_length);
  size_t last = send_without_last_ack(real, fd, bytes, length, to, to_length);
  if (system(setting("SHIM_BEFORE_ACK")) != 0) return -1;
  real(fd, bytes + last, length - last, 0, to, to_length);
  return (ssize_t)length;
}

ssize_t sendto(int fd, const void* bytes, size_t length, int flags, const struct sockaddr* to,
               socklen_t to_length) {
  static int verdicts_refused;
  sendto_function real = (sendto_function)dlsym(RTLD_NEXT, "sendto");
  if (to == NULL || to->sa_family != AF_NETLINK) return real(fd, bytes, length, flags, to, to_length);

  if (setting("SHIM_SEND_LOG") != NULL) log_datagram(bytes, length);
  if (is_verdict(bytes)) {
    if (setting("SHIM_VERDICT_ERRNO") == NULL || verdicts_refused) {
      return real(fd, bytes, length, flags, to, to_length);
    }
    verdicts_refused = 1;
    errno = atoi(setting("SHIM_VERDICT_ERRNO"));
    return -1;
  }
  uint8_t* changed = malloc(length);
  if (changed == NULL) return -1;
  memcpy(changed, bytes, length);
  ssize_t sent = send_configuration(real, fd, changed, length, to, to_length);
  free(changed);
  return sent;
}

int recvmmsg(int fd, struct mmsghdr* messages, unsigned int count, int flags, struct timespec* timeout) {
  int (*real)(int, struct mmsghdr*, unsigned int, int, struct timespec*) = dlsym(RTLD_NEXT, "recvmmsg");
  if (setting("SHIM_RECEIVE_ERRNO") != NULL) {
    errno = atoi(setting("SHIM_RECEIVE_ERRNO"));
    return -1;
  }
  if (setting("SHIM_RECEIVE_BYTES") != NULL) {
    size_t room = (size_t)atoi(setting("SHIM_RECEIVE_BYTES"));
    for (unsigned int at = 0; at < count; at++) messages[at].msg_hdr.msg_iov[0].iov_len = room;
  }
  return real(fd, messages, count, flags, timeout);
}
