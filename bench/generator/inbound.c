#include "generator.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// Reads what workers would: every message on a channel, in which the core of what a client sent must be found
// unchanged, and before it the id of the user that sent it.

#define ROOM (1 << 22)

static int subscription = -1;
static char *bytes;
static size_t filled;
static uint32_t lasts[MAX_USERS];
// The payload of the messages, as it stands in what clients send.
struct template inbound_core;

bool inbound_subscribe(int port, const char *channel) {
  if (subscription >= 0) close(subscription);
  if (bytes == NULL) bytes = malloc(ROOM);
  filled = 0;
  memset(lasts, 0, sizeof lasts);
  subscription = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(subscription, (struct sockaddr *)&address, sizeof address) < 0) return false;
  char command[512];
  int length = snprintf(command, sizeof command, "SUBSCRIBE %s\r\n", channel);
  if (send(subscription, command, (size_t)length, MSG_NOSIGNAL) != length) return false;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = &inbound_mark};
  return epoll_ctl(poller, EPOLL_CTL_ADD, subscription, &event) == 0;
}

static void take_message(char *text, size_t length, uint64_t now) {
  uint32_t opening = inbound_core.slots > 0 ? inbound_core.slot[0].offset : 0;
  char *core = memmem(text, length, inbound_core.image, opening);
  tally.frames += 1;
  tally.bytes += length;
  if (core == NULL || (size_t)(text + length - core) < inbound_core.length) {
    tally.wrong_bytes += 1;
    return;
  }
  uint32_t user = 0;
  struct stamp stamp;
  for (int digit = 0; digit < 7; digit += 1) user = user * 10 + (uint32_t)(core[opening + (uint32_t)digit] - '0');
  user -= FIRST_ID;
  if (template_match(&inbound_core, core, inbound_core.length, user, &stamp) != MATCHES || user >= MAX_USERS) {
    tally.wrong_bytes += 1;
    return;
  }
  char id[16];
  snprintf(id, sizeof id, "user-%u", FIRST_ID + user);
  if (memmem(text, (size_t)(core - text), id, 12) == NULL) tally.wrong_user += 1;
  histogram_add(&tally.latency, now > stamp.at ? now - stamp.at : 0);
  if (stamp.n <= lasts[user]) tally.not_rising += 1;
  else if (lasts[user] > 0) tally.gaps += stamp.n - lasts[user] - 1;
  lasts[user] = stamp.n;
}

// A line `$<length>`; NULL where it is not all there.
static char *take_length(char *at, char *end, size_t *length) {
  char *feed = memchr(at, '\n', (size_t)(end - at));
  if (feed == NULL) return NULL;
  *length = strtoul(at + 1, NULL, 10);
  return feed + 1;
}

// Takes one `*3 message channel text`; returns where it ends, or NULL where it is not all there.
static char *take_push(char *at, char *end, uint64_t now) {
  char *feed = memchr(at, '\n', (size_t)(end - at));
  if (feed == NULL) return NULL;
  char *next = feed + 1;
  for (int part = 0; part < 3; part += 1) {
    if (next >= end) return NULL;
    size_t length = 0;
    // The third part of the answer to SUBSCRIBE is a number.
    if (*next == ':') {
      feed = memchr(next, '\n', (size_t)(end - next));
      return feed == NULL ? NULL : feed + 1;
    }
    char *text = take_length(next, end, &length);
    if (text == NULL || text + length + 2 > end) return NULL;
    if (part == 2) take_message(text, length, now);
    next = text + length + 2;
  }
  return next;
}

void inbound_event(uint32_t events) {
  (void)events;
  ssize_t got = recv(subscription, bytes + filled, ROOM - filled, MSG_DONTWAIT);
  if (got <= 0) return;
  filled += (size_t)got;
  uint64_t now = now_us();
  char *at = bytes, *end = bytes + filled;
  while (at < end) {
    char *next = take_push(at, end, now);
    if (next == NULL) break;
    at = next;
  }
  filled = (size_t)(end - at);
  memmove(bytes, at, filled);
}
