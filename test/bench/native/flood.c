/*
 * Both ends of many FTP control connections at once, as far as a firewall between them can tell: opens them,
 * then has each say what MIX has in it, again and again, in the order of the numbers, until SIGTERM.
 *
 *     flood MIX CLIENT GATEWAY SERVER FIRST_CLIENT CONNECTIONS MOST_WAITING READER
 *
 * MIX is `none`, where each client says NOOP and hears its reply; `some`, where one of a hundred packets
 * announces an endpoint, which is a PORT as often as a 227; or `only`, where each packet does. Each
 * connection is of another client, from the address FIRST_CLIENT on. CLIENT, GATEWAY and SERVER are files of
 * network namespaces, joined as the laboratory joins them. It sends no more while MOST_WAITING packets wait
 * in queue 0 of the gateway: then none is lost. Prints `open` when all connections are.
 *
 * After SIGUSR1 it has the process READER stand still until so many packets wait, and then take them while
 * nothing is sent; it prints for each time how many there were, and the nanoseconds until the last had its
 * verdict. At the end it has READER take what is left, and prints `announced` and how many packets did that.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define MAX_CONNECTIONS 4096
#define FIRST_PORT 10000
#define SERVER_PORT 21
#define PAUSE_NS 20000
#define MOMENT_NS 2000
/* A handshake does not wait in the queue, which would tell how far the gateway is: it needs time to take it
 * in. */
#define OPENING_PAUSE_NS 5000000
#define HEADERS (sizeof(struct ether_header) + sizeof(struct ip) + sizeof(struct tcphdr))
#define MAX_FRAME 128
#define MAX_TEXT (MAX_FRAME - (int)HEADERS)
/* Where it stays empty so long, nothing is on its way to it either. */
#define QUIET_LOOKS 10
/* Announced ports: not below those that the daemon's policy wants. */
#define FIRST_ANNOUNCED 1024
#define ANNOUNCED_PORTS (UINT16_MAX - FIRST_ANNOUNCED + 1)
/* Packets of the mix `some` of which one announces; each of the two ends sends half of them. */
#define SOME_OF 100

enum mix { NONE, SOME, ONLY };

/* One of the two sides, and what all its packets have in common. */
struct end {
  int packets;
  uint8_t gateway[ETH_ALEN];
  /* Of its first host: each connection has another client, and the same server. */
  struct in_addr first;
  uint32_t next[MAX_CONNECTIONS];
};

static struct end client, server;
/* What the kernel says of the gateway's queues; the descriptor stays with the namespace it was opened in. */
static int queues;
static int most_waiting;
static pid_t reader;
static bool stands_still;
static volatile sig_atomic_t in_turns, ending;
static enum mix mix;
static int connections;
/* How often all connections have had their turn. */
static unsigned turn;
/* Packets that announced. */
static uint64_t announced;

static void enter(const char* namespace) {
  const int file = open(namespace, O_RDONLY | O_CLOEXEC);
  if (file < 0 || setns(file, CLONE_NEWNET) != 0) err(1, "%s", namespace);
  close(file);
}

static struct ifreq ask(unsigned long request, const char* device) {
  struct ifreq answer = {0};
  strncpy(answer.ifr_name, device, IFNAMSIZ - 1);
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (any < 0 || ioctl(any, request, &answer) != 0) err(1, "%s", device);
  close(any);
  return answer;
}

static void open_end(struct end* end, const char* namespace) {
  enter(namespace);
  const struct ifreq address = ask(SIOCGIFADDR, "eth0");
  end->first = ((const struct sockaddr_in*)&address.ifr_addr)->sin_addr;
  /* Protocol 0: nothing is to be received here. */
  end->packets = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  struct sockaddr_ll device = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("eth0")};
  if (bind(end->packets, (struct sockaddr*)&device, sizeof(device)) != 0) err(1, "bind to eth0");
  const int on = 1;
  if (setsockopt(end->packets, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) != 0) err(1, "bypass");
}

static void open_gateway(const char* namespace) {
  enter(namespace);
  memcpy(client.gateway, ask(SIOCGIFHWADDR, "inside").ifr_hwaddr.sa_data, ETH_ALEN);
  memcpy(server.gateway, ask(SIOCGIFHWADDR, "outside").ifr_hwaddr.sa_data, ETH_ALEN);
  queues = open("/proc/thread-self/net/netfilter/nfnetlink_queue", O_RDONLY | O_CLOEXEC);
  if (queues < 0) err(1, "nfnetlink_queue");
}

/* Packets without a verdict, of all queues; 0 where nobody reads, whose packets pass. */
static int waiting(void) {
  char text[2048];
  const ssize_t length = pread(queues, text, sizeof(text) - 1, 0);
  if (length < 0) err(1, "nfnetlink_queue");
  text[length] = '\0';
  int packets = 0;
  for (const char* line = text; *line != '\0'; line = strchrnul(line, '\n'), line += *line == '\n') {
    int of_queue = 0;
    /* Columns: queue, port id, waiting. */
    if (sscanf(line, "%*d %*d %d", &of_queue) == 1) packets += of_queue;
  }
  return packets;
}

static void on_signal(int number) {
  if (number == SIGUSR1) {
    in_turns = 1;
  } else {
    ending = 1;
  }
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void stop_reader(void) {
  if (kill(reader, SIGSTOP) != 0) err(1, "reader");
  stands_still = true;
}

/* Lets the reader take what waits, and has it stand still again. */
static void let_reader_take(void) {
  /* Not awake all the time: of several readers one may need this processor. */
  const struct timespec moment = {.tv_nsec = MOMENT_NS};
  const int packets = waiting();
  const int64_t began = nanoseconds();
  if (kill(reader, SIGCONT) != 0) err(1, "reader");
  while (waiting() > 0) nanosleep(&moment, NULL);
  printf("%d %lld\n", packets, (long long)(nanoseconds() - began));
  fflush(stdout);
  stop_reader();
}

static void wait_for_room(void) {
  const struct timespec pause = {.tv_nsec = PAUSE_NS};
  if (in_turns && !stands_still) stop_reader();
  while (waiting() + BATCH > most_waiting) {
    if (in_turns) {
      let_reader_take();
    } else {
      nanosleep(&pause, NULL);
    }
  }
}

static uint32_t sum_of(const void* bytes, size_t length, uint32_t sum) {
  const uint8_t* at = bytes;
  for (; length > 1; at += 2, length -= 2) sum += (uint32_t)at[0] << 8 | at[1];
  return length == 0 ? sum : sum + ((uint32_t)at[0] << 8);
}

static uint16_t checksum(uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

/* The address that one of its hosts has. */
static struct in_addr address_of(const struct end* end, int number) {
  const uint32_t host = end == &client ? (uint32_t)number : 0;
  return (struct in_addr){.s_addr = htonl(ntohl(end->first.s_addr) + host)};
}

/* Announces an endpoint of the speaker's own. Its port is another one each time: on this connection because
 * it would otherwise be no new expectation, and on others because conntrack finds expectations by their
 * destination. */
static const char* announce(const struct end* from, int number, const char* before, const char* behind) {
  static char text[MAX_TEXT];
  const uint32_t address = ntohl(address_of(from, number).s_addr);
  const unsigned port = FIRST_ANNOUNCED + (turn * (unsigned)connections + (unsigned)number) % ANNOUNCED_PORTS;
  announced++;
  snprintf(text, sizeof(text), "%s%u,%u,%u,%u,%u,%u%s", before, address >> 24, address >> 16 & 0xff,
           address >> 8 & 0xff, address & 0xff, port >> 8, port & 0xff, behind);
  return text;
}

#define PASSIVE "227 Entering Passive Mode ("

/* Each packet begins with an announcement, and has what the next one takes: the command that its 227 will
 * answer, and the reply to the PORT before. So both ends stay in step, one PASV ahead. */
static const char* say_only(const struct end* from, int number) {
  if (from == &client) return announce(from, number, "PORT ", "\r\nPASV\r\n");
  return announce(from, number, PASSIVE, ").\r\n200 ok\r\n");
}

/* Of the connections, as many as can be are at each place of the dialogue. */
static const char* say_some(const struct end* from, int number) {
  const unsigned place = (turn + (unsigned)number) % SOME_OF;
  if (place == 0 && from == &client) return announce(from, number, "PORT ", "\r\n");
  if (place == SOME_OF / 2) return from == &client ? "PASV\r\n" : announce(from, number, PASSIVE, ").\r\n");
  return from == &client ? "NOOP\r\n" : "200 ok\r\n";
}

/* What connection `number` says next. */
static const char* next_text(const struct end* from, int number) {
  switch (mix) {
    case ONLY:
      return say_only(from, number);
    case SOME:
      return say_some(from, number);
    default:
      return from == &client ? "NOOP\r\n" : "200 ok\r\n";
  }
}

/* Makes the next packet of connection `number` at `frame`; answers its length. */
static size_t make(uint8_t* frame, struct end* from, struct end* to, int number, uint8_t flags,
                   const char* text) {
  const size_t payload = strnlen(text, MAX_TEXT);
  struct ether_header ethernet = {.ether_type = htons(ETHERTYPE_IP)};
  memcpy(ethernet.ether_dhost, from->gateway, ETH_ALEN);
  struct ip ip = {
      .ip_v = 4,
      .ip_hl = 5,
      .ip_len = htons((uint16_t)(sizeof(struct ip) + sizeof(struct tcphdr) + payload)),
      .ip_ttl = 64,
      .ip_p = IPPROTO_TCP,
      .ip_src = address_of(from, number),
      .ip_dst = address_of(to, number),
  };
  ip.ip_sum = checksum(sum_of(&ip, sizeof(ip), 0));
  const uint16_t port = htons((uint16_t)(FIRST_PORT + number));
  struct tcphdr tcp = {
      .th_sport = from == &client ? port : htons(SERVER_PORT),
      .th_dport = from == &client ? htons(SERVER_PORT) : port,
      .th_seq = htonl(from->next[number]),
      .th_ack = (flags & TH_ACK) != 0 ? htonl(to->next[number]) : 0,
      .th_off = 5,
      .th_flags = flags,
      .th_win = htons(UINT16_MAX),
  };
  uint32_t sum = sum_of(&ip.ip_src, 2 * sizeof(struct in_addr), IPPROTO_TCP);
  sum += (uint32_t)(sizeof(tcp) + payload);
  tcp.th_sum = checksum(sum_of(text, payload, sum_of(&tcp, sizeof(tcp), sum)));
  memcpy(frame, &ethernet, sizeof(ethernet));
  memcpy(frame + sizeof(ethernet), &ip, sizeof(ip));
  memcpy(frame + sizeof(ethernet) + sizeof(ip), &tcp, sizeof(tcp));
  memcpy(frame + HEADERS, text, payload);
  from->next[number] += (uint32_t)payload + ((flags & TH_SYN) != 0 ? 1 : 0);
  return HEADERS + payload;
}

/* Has `count` connections from `first` on each send the same, or what is next where there is no `text`. */
static void say(struct end* from, int first, int count, uint8_t flags, const char* text) {
  static uint8_t frames[BATCH][MAX_FRAME];
  struct iovec contents[BATCH];
  struct mmsghdr messages[BATCH] = {0};
  struct end* to = from == &client ? &server : &client;
  for (int at = 0; at < count; at++) {
    contents[at].iov_base = frames[at];
    const char* said = text == NULL ? next_text(from, first + at) : text;
    contents[at].iov_len = make(frames[at], from, to, first + at, flags, said);
    messages[at].msg_hdr = (struct msghdr){.msg_iov = &contents[at], .msg_iovlen = 1};
  }
  wait_for_room();
  for (int sent = 0; sent < count;) {
    const int more = sendmmsg(from->packets, messages + sent, (unsigned)(count - sent), 0);
    if (more < 0) err(1, "sendmmsg");
    sent += more;
  }
}

/* Has all of them send the same, or what is next, with a pause after each batch. */
static void all_say(struct end* from, uint8_t flags, const char* text, long pause_ns) {
  const struct timespec pause = {.tv_nsec = pause_ns};
  for (int first = 0; first < connections; first += BATCH) {
    say(from, first, connections - first < BATCH ? connections - first : BATCH, flags, text);
    if (pause_ns > 0) nanosleep(&pause, NULL);
  }
}

/* Packets that go out on several processors overtake each other. */
static void stay_on_one_processor(void) {
  cpu_set_t allowed, last;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) err(1, "sched_getaffinity");
  size_t processor = CPU_SETSIZE - 1;
  while (!CPU_ISSET(processor, &allowed)) processor--;
  CPU_ZERO(&last);
  CPU_SET(processor, &last);
  if (sched_setaffinity(0, sizeof(last), &last) != 0) err(1, "sched_setaffinity");
}

/* Waits until the reader has taken everything. */
static void wait_until_quiet(void) {
  const struct timespec pause = {.tv_nsec = OPENING_PAUSE_NS};
  int quiet = 0;
  while (quiet < QUIET_LOOKS) {
    nanosleep(&pause, NULL);
    quiet = waiting() == 0 ? quiet + 1 : 0;
  }
}

/* Nobody answers what has not come yet: the reader could take the beginning of a connection for its middle.
 */
static void open_with(struct end* from, uint8_t flags, const char* text) {
  all_say(from, flags, text, OPENING_PAUSE_NS);
  wait_until_quiet();
}

static void open_connections(void) {
  open_with(&client, TH_SYN, "");
  open_with(&server, TH_SYN | TH_ACK, "");
  open_with(&client, TH_ACK, "");
  open_with(&server, TH_ACK | TH_PUSH, "220 ready\r\n");
  /* The command that the first 227 answers. */
  if (mix == ONLY) open_with(&client, TH_ACK | TH_PUSH, "PASV\r\n");
}

static enum mix mix_named(const char* name) {
  if (strcmp(name, "none") == 0) return NONE;
  if (strcmp(name, "some") == 0) return SOME;
  if (strcmp(name, "only") == 0) return ONLY;
  errx(2, "no mix %s: there are none, some and only", name);
}

static int number_in(const char* word, int least, int most) {
  char* end = NULL;
  const long number = strtol(word, &end, 10);
  if (*end != '\0' || number < least || number > most) errx(2, "%s is not from %d to %d", word, least, most);
  return (int)number;
}

int main(int count, char** words) {
  if (count != 9) {
    errx(2, "usage: flood MIX CLIENT GATEWAY SERVER FIRST_CLIENT CONNECTIONS MOST_WAITING READER");
  }
  mix = mix_named(words[1]);
  connections = number_in(words[6], 1, MAX_CONNECTIONS);
  most_waiting = number_in(words[7], BATCH, INT_MAX);
  reader = (pid_t)number_in(words[8], 1, INT_MAX);
  if (signal(SIGUSR1, on_signal) == SIG_ERR || signal(SIGTERM, on_signal) == SIG_ERR) err(1, "signal");
  stay_on_one_processor();
  /* As short sleeps as can be had. */
  if (prctl(PR_SET_TIMERSLACK, 1UL) != 0) err(1, "timer slack");
  open_end(&client, words[2]);
  if (inet_pton(AF_INET, words[5], &client.first) != 1) errx(2, "%s is no IPv4 address", words[5]);
  open_gateway(words[3]);
  open_end(&server, words[4]);

  open_connections();
  puts("open");
  fflush(stdout);
  for (; !ending; turn++) {
    all_say(&client, TH_ACK | TH_PUSH, NULL, 0);
    all_say(&server, TH_ACK | TH_PUSH, NULL, 0);
  }
  if (kill(reader, SIGCONT) != 0) err(1, "reader");
  wait_until_quiet();
  printf("announced %" PRIu64 "\n", announced);
}
