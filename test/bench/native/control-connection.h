/*
 * What the two ends of an FTP control connection have in common: lines, one after the other, on a blocking
 * socket; sockets for data connections, and how they are announced.
 */
#ifndef CONTROL_CONNECTION_H
#define CONTROL_CONNECTION_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CONTROL_PORT 21
#define PATIENCE_SECONDS 5
/* Each of those who listen for data connections has ports of its own, and takes them in turn. None of them is
 * given to a connection by the kernel: the bench keeps that to lower ones. */
#define FIRST_DATA_PORT 40000
#define DATA_PORTS 1024
#define MAX_LISTENERS 24

/* Zero before its first line. */
struct control {
  int socket;
  char text[512];
  size_t taken, filled;
};

/* A line of the other end, without LF; NULL where none came. It is there until the next one is asked for. */
static inline char* hear(struct control* control) {
  for (;;) {
    char* const line = control->text + control->taken;
    char* const end = memchr(line, '\n', control->filled - control->taken);
    if (end != NULL) {
      *end = '\0';
      control->taken = (size_t)(end + 1 - control->text);
      return line;
    }
    control->filled -= control->taken;
    memmove(control->text, line, control->filled);
    control->taken = 0;
    const size_t room = sizeof(control->text) - control->filled;
    const ssize_t received = recv(control->socket, control->text + control->filled, room, 0);
    if (received <= 0) return NULL;
    control->filled += (size_t)received;
  }
}

static inline bool send_all(int socket, const void* bytes, size_t length) {
  for (size_t sent = 0; sent < length;) {
    const ssize_t more = send(socket, (const char*)bytes + sent, length - sent, MSG_NOSIGNAL);
    if (more < 0) return false;
    sent += (size_t)more;
  }
  return true;
}

static inline bool say(struct control* control, const char* line) {
  return send_all(control->socket, line, strlen(line));
}

/* Sends without delay, and waits so long and no longer. Sockets that `socket` accepts have it from it. */
static inline void be_prompt(int socket) {
  const int on = 1;
  const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

/* A socket that is connected, from `source` where there is one; below 0 where it could not be. */
static inline int connect_to(const struct sockaddr_in* address, const struct sockaddr_in* source) {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) return -1;
  be_prompt(made);
  /* The port is chosen by whom it connects to: so there are enough of them. */
  const int on = 1;
  setsockopt(made, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  const bool bound = source == NULL || bind(made, (const struct sockaddr*)source, sizeof(*source)) == 0;
  if (bound && connect(made, (const struct sockaddr*)address, sizeof(*address)) == 0) return made;
  close(made);
  return -1;
}

/* A socket that listens, also where connections of its port are in TIME_WAIT; below 0 where it could not. */
static inline int listen_on(uint16_t port, int backlog) {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) return -1;
  const int on = 1;
  const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
  setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  be_prompt(made);
  if (bind(made, (const struct sockaddr*)&any, sizeof(any)) == 0 && listen(made, backlog) == 0) return made;
  close(made);
  return -1;
}

/* The port for the `count`th data connection that `listener` waits for. */
static inline uint16_t data_port(int listener, unsigned count) {
  return (uint16_t)(FIRST_DATA_PORT + listener * DATA_PORTS + (int)(count % DATA_PORTS));
}

/* The only connection that `listening` takes, which is closed; below 0 where none came. */
static inline int accept_only(int listening) {
  const int accepted = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
  close(listening);
  return accepted;
}

/* Address and port as PORT and 227 have them, six numbers (RFC 959, section 3.2); false where it is no such.
 */
static inline bool read_host_port(const char* text, struct sockaddr_in* address) {
  uint8_t host[4], port[2];
  const int numbers = sscanf(text, "%hhu,%hhu,%hhu,%hhu,%hhu,%hhu", &host[0], &host[1], &host[2], &host[3],
                             &port[0], &port[1]);
  *address = (struct sockaddr_in){.sin_family = AF_INET};
  memcpy(&address->sin_addr, host, sizeof(host));
  memcpy(&address->sin_port, port, sizeof(port));
  return numbers == 6;
}

/* Writes this end's address of the control connection in that form, and `port`. */
static inline void write_host_port(const struct control* control, uint16_t port, char text[static 24]) {
  struct sockaddr_in own;
  socklen_t length = sizeof(own);
  getsockname(control->socket, (struct sockaddr*)&own, &length);
  uint8_t host[4];
  memcpy(host, &own.sin_addr, sizeof(host));
  snprintf(text, 24, "%u,%u,%u,%u,%u,%u", host[0], host[1], host[2], host[3], port >> 8, port & 255);
}

/* The clock that all times are measured with. */
static inline int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

#endif
