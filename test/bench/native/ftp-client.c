/*
 * An FTP client that has one session after the other, in several threads: logs in, gets the same file several
 * times, each by a data connection of its own, and quits.
 *
 *     ftp-client SERVER FIRST_CLIENT passive|active SESSIONS_AT_ONCE TRANSFERS FILE_BYTES MILLISECONDS
 *
 * Each thread is a client with an address of its own, from FIRST_CLIENT on: of one client, a firewall may
 * take only so much. Begins no session after so many milliseconds. Prints how many there were, how many of
 * their transfers failed, the nanoseconds until the last was over, and those of its own processor time. A
 * thread has no more sessions after one that failed, and says why on standard error.
 */
#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "control-connection.h"

struct worker {
  pthread_t thread;
  int number;
  struct sockaddr_in address;
  unsigned data_connections;
  long sessions, failed;
};

static struct sockaddr_in server;
static bool passive;
static int transfers;
static size_t file_bytes;
static int64_t last_start;

/* The reply, where it has the expected code; otherwise NULL. */
static const char* expect(struct control* control, const char* code) {
  const char* const reply = hear(control);
  if (reply != NULL && strncmp(reply, code, strlen(code)) == 0) return reply;
  warnx("expected %s, heard %s", code, reply == NULL ? "nothing" : reply);
  return NULL;
}

static const char* ask(struct control* control, const char* command, const char* code) {
  return say(control, command) ? expect(control, code) : NULL;
}

/* Whether all of the file comes by `data`, which is closed. */
static bool read_file(int data) {
  char bytes[4096];
  size_t read_bytes = 0;
  ssize_t received = 0;
  while ((received = recv(data, bytes, sizeof(bytes), 0)) > 0) read_bytes += (size_t)received;
  close(data);
  if (received == 0 && read_bytes == file_bytes) return true;
  warnx("%zu of %zu bytes came", read_bytes, file_bytes);
  return false;
}

static bool get_passively(const struct worker* worker, struct control* control) {
  const char* const reply = ask(control, "PASV\r\n", "227");
  const char* const announced = reply == NULL ? NULL : strchr(reply, '(');
  struct sockaddr_in address;
  if (announced == NULL || !read_host_port(announced + 1, &address)) return false;
  const int data = connect_to(&address, &worker->address);
  if (data < 0) {
    warn("no connection to port %d", ntohs(address.sin_port));
    return false;
  }
  if (ask(control, "RETR file\r\n", "150") != NULL) return read_file(data) && expect(control, "226") != NULL;
  close(data);
  return false;
}

static bool get_actively(struct worker* worker, struct control* control) {
  const uint16_t port = data_port(worker->number, worker->data_connections++);
  const int listening = listen_on(port, 1);
  if (listening < 0) {
    warn("port %d", port);
    return false;
  }
  char host_port[24], command[64];
  write_host_port(control, port, host_port);
  snprintf(command, sizeof(command), "PORT %s\r\n", host_port);
  if (ask(control, command, "200") == NULL || ask(control, "RETR file\r\n", "150") == NULL) {
    close(listening);
    return false;
  }
  const int data = accept_only(listening);
  if (data < 0) {
    warn("no connection to port %d", port);
    return false;
  }
  return read_file(data) && expect(control, "226") != NULL;
}

/* Answers how many of its transfers failed: after a failure, all that were to come. */
static int have_session(struct worker* worker) {
  struct control control = {.socket = connect_to(&server, &worker->address)};
  if (control.socket < 0) {
    warn("no control connection");
    return transfers;
  }
  int left = transfers;
  if (expect(&control, "220") != NULL && ask(&control, "USER bench\r\n", "331") != NULL &&
      ask(&control, "PASS bench\r\n", "230") != NULL && ask(&control, "TYPE I\r\n", "200") != NULL) {
    while (left > 0 && (passive ? get_passively(worker, &control) : get_actively(worker, &control))) left--;
  }
  if (left == 0 && ask(&control, "QUIT\r\n", "221") != NULL) {
    /* The server closes first: it is the one who keeps the connection in TIME_WAIT, and not the one who needs
     * a port for the next. */
    hear(&control);
  }
  close(control.socket);
  return left;
}

static void* work(void* given) {
  struct worker* const worker = given;
  while (worker->failed == 0 && nanoseconds() < last_start) {
    worker->failed = have_session(worker);
    worker->sessions++;
  }
  return NULL;
}

/* User and system time of all threads, in nanoseconds. */
static int64_t processor_time(void) {
  struct rusage used;
  if (getrusage(RUSAGE_SELF, &used) != 0) err(1, "getrusage");
  const int64_t seconds = used.ru_utime.tv_sec + used.ru_stime.tv_sec;
  return (seconds * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
}

static struct sockaddr_in address_of(const char* text, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, text, &address.sin_addr) != 1) errx(2, "no address: %s", text);
  return address;
}

int main(int count, char** words) {
  if (count != 8) {
    errx(2,
         "usage: ftp-client SERVER FIRST_CLIENT passive|active SESSIONS_AT_ONCE TRANSFERS FILE_BYTES "
         "MILLISECONDS");
  }
  server = address_of(words[1], CONTROL_PORT);
  const struct sockaddr_in first = address_of(words[2], 0);
  passive = strcmp(words[3], "passive") == 0;
  const int at_once = atoi(words[4]);
  if (at_once < 1 || at_once > MAX_LISTENERS) errx(2, "1 to %d sessions at once", MAX_LISTENERS);
  transfers = atoi(words[5]);
  file_bytes = (size_t)atoi(words[6]);
  const int64_t began = nanoseconds();
  last_start = began + atoi(words[7]) * INT64_C(1000000);

  static struct worker workers[MAX_LISTENERS];
  for (int at = 0; at < at_once; at++) {
    struct worker* const worker = &workers[at];
    worker->number = at;
    worker->address = first;
    worker->address.sin_addr.s_addr = htonl(ntohl(first.sin_addr.s_addr) + (uint32_t)at);
    if (pthread_create(&worker->thread, NULL, work, worker) != 0) errx(1, "no thread");
  }
  long sessions = 0, failed = 0;
  for (int at = 0; at < at_once; at++) {
    pthread_join(workers[at].thread, NULL);
    sessions += workers[at].sessions;
    failed += workers[at].failed;
  }
  const int64_t ended = nanoseconds();
  printf("%ld %ld %lld %lld\n", sessions, failed, (long long)(ended - began), (long long)processor_time());
}
