/*
 * Reads queue 0 as programs with libnetfilter_queue ordinarily do. It looks at no packet, and accepts all.
 *
 *     one-by-one QUEUE_LENGTH RECEIVE_BUFFER_BYTES
 *
 * Prints `ready` when it reads.
 */
#include "ordinary-loop.h"

static int on_packet(struct nfq_q_handle* queue, struct nfgenmsg* message, struct nfq_data* packet,
                     void* none) {
  (void)message;
  (void)none;
  return accept_packet(queue, packet);
}

int main(int count, char** words) {
  read_queue(on_packet, count, words);
}
