/*
 * The ordinary loop of libnetfilter_queue over queue 0: it receives one message, hands it to the library, and
 * the callback gives the packet its verdict by a message of its own.
 */
#ifndef ORDINARY_LOOP_H
#define ORDINARY_LOOP_H

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define COPY_RANGE 65531
#define MAX_MESSAGE (COPY_RANGE + 4096)

static int accept_packet(struct nfq_q_handle* queue, struct nfq_data* packet) {
  const struct nfqnl_msg_packet_hdr* header = nfq_get_msg_packet_hdr(packet);
  return nfq_set_verdict(queue, ntohl(header->packet_id), NF_ACCEPT, 0, NULL);
}

/* Opens the queue as `words` say, QUEUE_LENGTH RECEIVE_BUFFER_BYTES; prints `ready`, and reads until a
 * signal. */
static void read_queue(nfq_callback* on_packet, int count, char** words) {
  if (count != 3) errx(2, "usage: %s QUEUE_LENGTH RECEIVE_BUFFER_BYTES", words[0]);
  struct nfq_handle* library = nfq_open();
  if (library == NULL) err(1, "nfq_open");
  struct nfq_q_handle* queue = nfq_create_queue(library, 0, on_packet, NULL);
  if (queue == NULL) err(1, "queue 0");
  if (nfq_set_mode(queue, NFQNL_COPY_PACKET, COPY_RANGE) < 0) err(1, "copy mode");
  if (nfq_set_queue_maxlen(queue, (uint32_t)strtoul(words[1], NULL, 10)) < 0) err(1, "queue length");
  nfnl_rcvbufsiz(nfq_nfnlh(library), (unsigned)strtoul(words[2], NULL, 10));

  static char message[MAX_MESSAGE] __attribute__((aligned(8)));
  puts("ready");
  fflush(stdout);
  for (;;) {
    const ssize_t length = recv(nfq_fd(library), message, sizeof(message), 0);
    if (length >= 0) {
      nfq_handle_packet(library, message, (int)length);
    } else if (errno != ENOBUFS && errno != EINTR) {
      err(1, "recv");
    }
  }
}

#endif
