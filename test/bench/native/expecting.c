/*
 * Reads queue 0 as one-by-one does, and has conntrack expect what a packet announces: the plain way of doing
 * the daemon's work with libnetfilter_queue and libnetfilter_conntrack. It looks for PORT and 227 where the
 * payload begins, believes them, and knows nothing of streams, lines and dialogues.
 *
 *     expecting QUEUE_LENGTH RECEIVE_BUFFER_BYTES
 *
 * Prints `ready` when it reads, and ends where an expectation is refused. IPv4, without translation.
 */
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>

#include "ordinary-loop.h"

/* Longer than an announcement. */
#define MAX_TEXT 64

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

static int on_packet(struct nfq_q_handle* queue, struct nfgenmsg* message, struct nfq_data* packet,
                     void* none) {
  (void)message;
  (void)none;
  unsigned char* payload = NULL;
  const int length = nfq_get_payload(packet, &payload);
  if (length > 0) read_packet(payload, (size_t)length);
  return accept_packet(queue, packet);
}

int main(int count, char** words) {
  open_conntrack();
  read_queue(on_packet, count, words);
}
