/*
 * Reads queue 0 with as few system calls as there can be: receives up to 64 messages at once (recvmmsg), and
 * accepts all of them by one message, a batch verdict about the packets up to the last. It looks at no
 * packet.
 *
 *     batches QUEUE_LENGTH RECEIVE_BUFFER_BYTES
 *
 * Prints `ready` when it reads.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BATCH 64
#define COPY_RANGE 65531
#define MAX_MESSAGE (COPY_RANGE + 4096)

static struct mnl_socket* netlink;

/* A message to queue 0, without attributes. */
static struct nlmsghdr* begin(void* memory, uint16_t type) {
  struct nlmsghdr* message = mnl_nlmsg_put_header(memory);
  message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
  message->nlmsg_flags = NLM_F_REQUEST;
  struct nfgenmsg* about = mnl_nlmsg_put_extra_header(message, sizeof(*about));
  *about = (struct nfgenmsg){.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0};
  return message;
}

static void send_message(const struct nlmsghdr* message) {
  if (mnl_socket_sendto(netlink, message, message->nlmsg_len) < 0) err(1, "send");
}

static void configure(uint16_t attribute, const void* value, size_t length) {
  char memory[256];
  struct nlmsghdr* message = begin(memory, NFQNL_MSG_CONFIG);
  message->nlmsg_flags |= NLM_F_ACK;
  mnl_attr_put(message, attribute, length, value);
  send_message(message);
  char answer[1024];
  const ssize_t received = mnl_socket_recvfrom(netlink, answer, sizeof(answer));
  if (received < 0 || mnl_cb_run(answer, (size_t)received, 0, 0, NULL, NULL) < 0) err(1, "queue 0");
}

static void open_queue(uint32_t length, int receive_buffer) {
  netlink = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
  if (netlink == NULL || mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) != 0) err(1, "netlink");
  const int fd = mnl_socket_get_fd(netlink);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof(receive_buffer)) != 0) {
    err(1, "receive buffer");
  }
  const struct nfqnl_msg_config_cmd bind = {.command = NFQNL_CFG_CMD_BIND};
  configure(NFQA_CFG_CMD, &bind, sizeof(bind));
  const uint32_t most = htonl(length);
  configure(NFQA_CFG_QUEUE_MAXLEN, &most, sizeof(most));
  /* Last: from now on there are packets among the answers. */
  const struct nfqnl_msg_config_params copy = {.copy_range = htonl(COPY_RANGE),
                                               .copy_mode = NFQNL_COPY_PACKET};
  configure(NFQA_CFG_PARAMS, &copy, sizeof(copy));
}

/* The packet's number, as it is in the message. */
static uint32_t packet_id(const struct nlmsghdr* message) {
  const struct nlattr* attribute = mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg));
  const char* end = mnl_nlmsg_get_payload_tail(message);
  for (; mnl_attr_ok(attribute, (int)(end - (const char*)attribute)); attribute = mnl_attr_next(attribute)) {
    if (mnl_attr_get_type(attribute) != NFQA_PACKET_HDR) continue;
    return ((const struct nfqnl_msg_packet_hdr*)mnl_attr_get_payload(attribute))->packet_id;
  }
  errx(1, "a message without a packet");
}

static void accept_up_to(uint32_t last) {
  char memory[256];
  struct nlmsghdr* message = begin(memory, NFQNL_MSG_VERDICT_BATCH);
  const struct nfqnl_msg_verdict_hdr verdict = {.verdict = htonl(NF_ACCEPT), .id = last};
  mnl_attr_put(message, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
  send_message(message);
}

int main(int count, char** words) {
  if (count != 3) errx(2, "usage: batches QUEUE_LENGTH RECEIVE_BUFFER_BYTES");
  open_queue((uint32_t)atoi(words[1]), atoi(words[2]));

  static char memory[BATCH][MAX_MESSAGE] __attribute__((aligned(8)));
  struct iovec places[BATCH];
  struct mmsghdr messages[BATCH] = {0};
  for (int at = 0; at < BATCH; at++) {
    places[at] = (struct iovec){.iov_base = memory[at], .iov_len = MAX_MESSAGE};
    messages[at].msg_hdr = (struct msghdr){.msg_iov = &places[at], .msg_iovlen = 1};
  }
  puts("ready");
  fflush(stdout);
  for (;;) {
    const int received = recvmmsg(mnl_socket_get_fd(netlink), messages, BATCH, MSG_WAITFORONE, NULL);
    if (received > 0) {
      /* Each packet is looked for, as a program would that does something with it; the last one's number
       * serves all. */
      uint32_t last = 0;
      for (int at = 0; at < received; at++) last = packet_id((const struct nlmsghdr*)memory[at]);
      accept_up_to(last);
    } else if (errno != ENOBUFS && errno != EINTR) {
      err(1, "recvmmsg");
    }
  }
}
