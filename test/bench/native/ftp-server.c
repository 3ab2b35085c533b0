/*
 * An FTP server that does no more than a benchmark needs: any user, one file, and NOOP. Each thread has one
 * session at a time.
 *
 *     ftp-server SESSIONS_AT_ONCE FILE_BYTES
 *
 * Prints `ready` when it listens.
 */
#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "control-connection.h"

struct worker {
  pthread_t thread;
  int number;
  unsigned data_connections;
};

/* Where the next file goes: a socket that listens, or else the client's address. */
struct destination {
  int listening;
  struct sockaddr_in client;
};

static int listening;
static char* file;
static size_t file_bytes;

static bool starts_with(const char* line, const char* command) {
  return strncmp(line, command, strlen(command)) == 0;
}

static bool wait_passively(struct worker* worker, struct control* control, struct destination* destination) {
  const uint16_t port = data_port(worker->number, worker->data_connections++);
  destination->listening = listen_on(port, 1);
  if (destination->listening < 0) return say(control, "425 no port\r\n");
  char host_port[24], reply[64];
  write_host_port(control, port, host_port);
  snprintf(reply, sizeof(reply), "227 Entering Passive Mode (%s)\r\n", host_port);
  return say(control, reply);
}

static bool send_file(struct control* control, struct destination* destination) {
  if (!say(control, "150 here it comes\r\n")) return false;
  const int data = destination->listening >= 0 ? accept_only(destination->listening)
                                               : connect_to(&destination->client, NULL);
  destination->listening = -1;
  const bool sent = data >= 0 && send_all(data, file, file_bytes);
  if (data >= 0) close(data);
  return say(control, sent ? "226 done\r\n" : "425 no data connection\r\n");
}

/* False where the session is over. */
static bool obey(struct worker* worker, struct control* control, struct destination* destination,
                 const char* line) {
  if (starts_with(line, "NOOP")) return say(control, "200 ok\r\n");
  if (starts_with(line, "USER")) return say(control, "331 password\r\n");
  if (starts_with(line, "PASS")) return say(control, "230 welcome\r\n");
  if (starts_with(line, "TYPE")) return say(control, "200 ok\r\n");
  if (starts_with(line, "PASV")) return wait_passively(worker, control, destination);
  if (starts_with(line, "PORT ")) {
    const bool understood = read_host_port(line + strlen("PORT "), &destination->client);
    return say(control, understood ? "200 ok\r\n" : "501 no address\r\n");
  }
  if (starts_with(line, "RETR")) return send_file(control, destination);
  if (!starts_with(line, "QUIT")) return say(control, "500 unknown\r\n");
  say(control, "221 goodbye\r\n");
  return false;
}

static void* work(void* given) {
  struct worker* const worker = given;
  for (;;) {
    struct control control = {.socket = accept4(listening, NULL, NULL, SOCK_CLOEXEC)};
    if (control.socket < 0) continue;
    struct destination destination = {.listening = -1};
    const char* line = say(&control, "220 ready\r\n") ? hear(&control) : NULL;
    while (line != NULL && obey(worker, &control, &destination, line)) line = hear(&control);
    if (destination.listening >= 0) close(destination.listening);
    close(control.socket);
  }
  return NULL;
}

int main(int count, char** words) {
  if (count != 3) errx(2, "usage: ftp-server SESSIONS_AT_ONCE FILE_BYTES");
  const int sessions = atoi(words[1]);
  if (sessions < 1 || sessions > MAX_LISTENERS) errx(2, "1 to %d sessions", MAX_LISTENERS);
  file_bytes = (size_t)atoi(words[2]);
  file = calloc(1, file_bytes + 1);
  listening = listen_on(CONTROL_PORT, 128);
  if (file == NULL || listening < 0) err(1, "port %d", CONTROL_PORT);

  static struct worker workers[MAX_LISTENERS];
  for (int at = 0; at < sessions; at++) {
    workers[at].number = at;
    if (pthread_create(&workers[at].thread, NULL, work, &workers[at]) != 0) errx(1, "no thread");
  }
  puts("ready");
  fflush(stdout);
  pthread_join(workers[0].thread, NULL);
}
