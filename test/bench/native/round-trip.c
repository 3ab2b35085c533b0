/*
 * Measures how long a command on a control connection takes until its reply is there, one command at a time.
 *
 *     round-trip ADDRESS WARM_UP COMMANDS PAUSE_US
 *
 * The first WARM_UP commands follow each other at once, and are not measured. Before each of the others there
 * is a pause, long enough for whoever is on the way to fall asleep. Prints the nanoseconds that half of them,
 * 99 % and 99.9 % of them took at most.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "control-connection.h"

static int64_t round_trip(struct control* control) {
  const int64_t began = nanoseconds();
  const char* const reply = say(control, "NOOP\r\n") ? hear(control) : NULL;
  const int64_t ended = nanoseconds();
  if (reply == NULL || strncmp(reply, "200", 3) != 0) errx(1, "no reply to NOOP");
  return ended - began;
}

static int ascending(const void* one, const void* other) {
  const int64_t left = *(const int64_t*)one, right = *(const int64_t*)other;
  return (left > right) - (left < right);
}

/* The smallest of `count` sorted times that `thousandths` of them do not exceed. */
static long long quantile(const int64_t* times, long count, long thousandths) {
  return times[(count * thousandths + 999) / 1000 - 1];
}

int main(int count, char** words) {
  if (count != 5) errx(2, "usage: round-trip ADDRESS WARM_UP COMMANDS PAUSE_US");
  const long warm_up = atol(words[2]), commands = atol(words[3]);
  const struct timespec pause = {.tv_nsec = atol(words[4]) * 1000};
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(CONTROL_PORT)};
  if (inet_pton(AF_INET, words[1], &server.sin_addr) != 1) errx(2, "no address: %s", words[1]);
  if (commands < 1) errx(2, "at least one command");
  int64_t* const times = calloc((size_t)commands, sizeof(*times));
  if (times == NULL) err(1, "memory");

  struct control control = {.socket = connect_to(&server, NULL)};
  if (control.socket < 0) err(1, "%s", words[1]);
  if (hear(&control) == NULL) errx(1, "no greeting");
  for (long at = 0; at < warm_up; at++) round_trip(&control);
  for (long at = 0; at < commands; at++) {
    nanosleep(&pause, NULL);
    times[at] = round_trip(&control);
  }
  qsort(times, (size_t)commands, sizeof(*times), ascending);
  printf("%lld %lld %lld\n", quantile(times, commands, 500), quantile(times, commands, 990),
         quantile(times, commands, 999));
}
