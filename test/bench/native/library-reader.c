/*
 * Reads queue 0 with the usual loop of libnetfilter_queue: one message and one verdict at a time.
 *
 *     library-reader accept|expect QUEUE_LENGTH RECEIVE_BUFFER_BYTES
 *
 * `accept` looks at no packet. `expect` also creates an expectation in conntrack for each PORT and 227 at the
 * beginning of a payload, with libnetfilter_conntrack; it knows nothing of streams, lines and dialogues, and
 * ends if an expectation is refused. IPv4, without NAT. Prints `ready` when it reads.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define COPY_RANGE 65531
#define MAX_MESSAGE (COPY_RANGE + 4096)
/* Longer than an announcement. */
#define MAX_TEXT 64

static int accept_packet(struct nfq_q_handle* queue, struct nfq_data* packet) {
  const struct nfqnl_msg_packet_hdr* header = nfq_get_msg_packet_hdr(packet);
  return nfq_set_verdict(queue, ntohl(header->packet_id), NF_ACCEPT, 0, NULL);
}

/* Opens the queue, prints `ready`, and reads until a signal. */
static void read_queue(nfq_callback* on_packet, const char* queue_length, const char* receive_buffer) {
  struct nfq_handle* library = nfq_open();
  if (library == NULL) err(1, "nfq_open");
  struct nfq_q_handle* queue = nfq_create_queue(library, 0, on_packet, NULL);
  if (queue == NULL) err(1, "queue 0");
  if (nfq_set_mode(queue, NFQNL_COPY_PACKET, COPY_RANGE) < 0) err(1, "copy mode");
  if (nfq_set_queue_maxlen(queue, (uint32_t)strtoul(queue_length, NULL, 10)) < 0) err(1, "queue length");
  nfnl_rcvbufsiz(nfq_nfnlh(library), (unsigned)strtoul(receive_buffer, NULL, 10));

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

static struct nfct_handle* conntrack;
/* Made once: only what they say changes. */
static struct nf_conntrack *master, *expected, *mask;
static struct nf_expect* expectation;

/* All in network order. */
struct endpoint {
  in_addr_t address;
  in_port_t port;
};

static void set_tuple(struct nf_conntrack* tuple, struct endpoint source, struct endpoint destination) {
  nfct_set_attr_u32(tuple, ATTR_IPV4_SRC, source.address);
  nfct_set_attr_u32(tuple, ATTR_IPV4_DST, destination.address);
  nfct_set_attr_u16(tuple, ATTR_PORT_SRC, source.port);
  nfct_set_attr_u16(tuple, ATTR_PORT_DST, destination.port);
}

static struct nf_conntrack* new_tuple(void) {
  struct nf_conntrack* tuple = nfct_new();
  if (tuple == NULL) err(1, "nfct_new");
  nfct_set_attr_u8(tuple, ATTR_L3PROTO, AF_INET);
  nfct_set_attr_u8(tuple, ATTR_L4PROTO, IPPROTO_TCP);
  return tuple;
}

static void open_conntrack(void) {
  conntrack = nfct_open(EXPECT, 0);
  expectation = nfexp_new();
  if (conntrack == NULL || expectation == NULL) err(1, "conntrack");
  master = new_tuple();
  expected = new_tuple();
  mask = new_tuple();
  /* From any port. */
  set_tuple(mask, (struct endpoint){UINT32_MAX, 0}, (struct endpoint){UINT32_MAX, UINT16_MAX});
  nfexp_set_attr(expectation, ATTR_EXP_MASK, mask);
}

/* `client` and `server` are of the control connection; `peer` is who will connect. */
static void expect(struct endpoint client, struct endpoint server, in_addr_t peer,
                   struct endpoint announced) {
  set_tuple(master, client, server);
  set_tuple(expected, (struct endpoint){peer, 0}, announced);
  nfexp_set_attr(expectation, ATTR_EXP_MASTER, master);
  nfexp_set_attr(expectation, ATTR_EXP_EXPECTED, expected);
  if (nfexp_query(conntrack, NFCT_Q_CREATE, expectation) != 0) err(1, "create an expectation");
}

/* Whether `text` begins with an endpoint as in RFC 959: its address, then its port, byte by byte. */
static bool read_endpoint(const char* text, struct endpoint* endpoint) {
  unsigned h[4], p[2];
  if (sscanf(text, "%u,%u,%u,%u,%u,%u", &h[0], &h[1], &h[2], &h[3], &p[0], &p[1]) != 6) return false;
  endpoint->address = htonl(h[0] << 24 | h[1] << 16 | h[2] << 8 | h[3]);
  endpoint->port = htons((uint16_t)(p[0] << 8 | p[1]));
  return true;
}

static void read_text(const char* text, struct endpoint from, struct endpoint to) {
  struct endpoint announced;
  if (memcmp(text, "PORT ", 5) == 0) {
    if (read_endpoint(text + 5, &announced)) expect(from, to, to.address, announced);
  } else if (memcmp(text, "227 ", 4) == 0) {
    const char* parenthesis = strchr(text, '(');
    if (parenthesis != NULL && read_endpoint(parenthesis + 1, &announced)) {
      expect(to, from, to.address, announced);
    }
  }
}

/* The ruleset queues only TCP, whose headers the kernel has looked at. */
static void read_packet(const uint8_t* packet, size_t length) {
  const struct ip* ip = (const struct ip*)packet;
  const size_t ip_header = (size_t)ip->ip_hl * 4;
  const struct tcphdr* tcp = (const struct tcphdr*)(packet + ip_header);
  const size_t headers = ip_header + (size_t)tcp->th_off * 4;
  if (headers >= length) return;
  char text[MAX_TEXT + 1] = {0};
  memcpy(text, packet + headers, length - headers < MAX_TEXT ? length - headers : MAX_TEXT);
  read_text(text, (struct endpoint){ip->ip_src.s_addr, tcp->th_sport},
            (struct endpoint){ip->ip_dst.s_addr, tcp->th_dport});
}

static int on_unread_packet(struct nfq_q_handle* queue, struct nfgenmsg* message, struct nfq_data* packet,
                            void* none) {
  (void)message;
  (void)none;
  return accept_packet(queue, packet);
}

static int on_read_packet(struct nfq_q_handle* queue, struct nfgenmsg* message, struct nfq_data* packet,
                          void* none) {
  (void)message;
  (void)none;
  unsigned char* payload = NULL;
  const int length = nfq_get_payload(packet, &payload);
  if (length > 0) read_packet(payload, (size_t)length);
  return accept_packet(queue, packet);
}

int main(int count, char** words) {
  if (count != 4) errx(2, "usage: library-reader accept|expect QUEUE_LENGTH RECEIVE_BUFFER_BYTES");
  const bool expects = strcmp(words[1], "expect") == 0;
  if (expects) open_conntrack();
  read_queue(expects ? on_read_packet : on_unread_packet, words[2], words[3]);
}
