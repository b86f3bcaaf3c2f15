// The bench's load generator: thousands of WebSocket clients that check every byte they get, and a publisher that keeps
// to its schedule whatever comes of it. Commands come as lines on standard input; each is answered by a line of JSON on
// standard output, `open`, `publish` and `send` when they are through. Ends with its standard input.
//
// It reads in ticks: it sleeps half a millisecond and then takes what is there. So a system under test never pays for
// waking a sleeping receiver, which would have been on another machine.

#include "generator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define TICK_US 500
#define BATCH 256

int poller;
char stdin_mark, publish_mark, inbound_mark;
struct tally tally;
struct dialect dialect;
struct template expected;
bool is_broadcast, is_resuming;
extern struct template inbound_core;
static enum { NOTHING, OPEN, STREAM } awaited;

uint64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000ull + (uint64_t)time.tv_nsec / 1000;
}

static void print_times(const char *name, const struct histogram *h) {
  printf(",\"%s\":{\"count\":%lu,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}", name,
         (unsigned long)h->count, histogram_at(h, 0.5) / 1e3, histogram_at(h, 0.9) / 1e3, histogram_at(h, 0.99) / 1e3,
         histogram_at(h, 0.999) / 1e3, (double)h->highest / 1e3);
}

static void answer_open(void) {
  printf("{\"open\":%u,\"refused\":%u,\"seconds\":%.6f", connections_ready(), opening.refused, opening.seconds);
  print_times("handshake", &opening.handshake);
  printf("}\n");
}

static void answer_stream(void) {
  printf("{\"published\":%lu,\"confirmed\":%lu,\"errors\":%lu,\"blocked\":%lu,\"firstError\":\"%s\"",
         (unsigned long)publishing.published, (unsigned long)publishing.confirmed, (unsigned long)publishing.errors,
         (unsigned long)publishing.blocked, publishing.first_error);
  print_times("slip", &publishing.slip);
  printf("}\n");
}

static void answer_report(void) {
  printf("{\"open\":%u,\"frames\":%lu,\"bytes\":%lu,\"reads\":%lu,\"wrongBytes\":%lu,\"wrongUser\":%lu,"
         "\"notRising\":%lu,\"gaps\":%lu,\"missing\":%lu,\"pings\":%lu,\"closed\":%lu,\"closeCode\":%u",
         connections_ready(), (unsigned long)tally.frames, (unsigned long)tally.bytes, (unsigned long)tally.reads,
         (unsigned long)tally.wrong_bytes, (unsigned long)tally.wrong_user, (unsigned long)tally.not_rising,
         (unsigned long)tally.gaps, (unsigned long)connections_missing(), (unsigned long)tally.pings,
         (unsigned long)tally.closed, tally.last_close_code);
  print_times("latency", &tally.latency);
  printf("}\n");
}

static void answer(bool is_done) { printf(is_done ? "{}\n" : "{\"fault\":\"not possible\"}\n"); }

static bool set_dialect(const char *key, const char *value) {
  struct {
    const char *key;
    char *into;
    size_t room;
  } texts[] = {{"helloAfter", dialect.hello_after, sizeof dialect.hello_after},
               {"ready", dialect.ready, sizeof dialect.ready},
               {"ping", dialect.ping, sizeof dialect.ping},
               {"pong", dialect.pong, sizeof dialect.pong}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i += 1) {
    if (strcmp(key, texts[i].key) != 0) continue;
    snprintf(texts[i].into, texts[i].room, "%s", value);
    return true;
  }
  if (strcmp(key, "lines") == 0) dialect.has_lines = strcmp(value, "true") == 0;
  else if (strcmp(key, "broadcast") == 0) is_broadcast = strcmp(value, "true") == 0;
  else if (strcmp(key, "resume") == 0) is_resuming = strcmp(value, "true") == 0;
  else if (strcmp(key, "published") == 0) return template_read(&published, value);
  else if (strcmp(key, "expected") == 0) return template_read(&expected, value);
  else if (strcmp(key, "sent") == 0) return template_read(&sent, value);
  else if (strcmp(key, "inbound") == 0) return template_read(&inbound_core, value);
  else return false;
  return true;
}

static void begin_stream(enum source source, const char *words) {
  struct stream stream = {.source = source};
  int read = sscanf(words, "%u %u %lf %lf %u", &stream.first_user, &stream.users, &stream.rate, &stream.seconds,
                    &stream.burst);
  bool is_possible = read == 5 && stream.users > 0 && stream.burst > 0 && awaited == NOTHING &&
                     stream.first_user + stream.users <= MAX_USERS &&
                     (source == TO_REDIS || stream.users <= connections_known());
  if (!is_possible) {
    answer(false);
    return;
  }
  publish_begin(stream);
  awaited = STREAM;
}

static void obey(char *line) {
  char *words = strchr(line, ' ');
  if (words != NULL) *words++ = 0;
  else words = line + strlen(line);
  if (strcmp(line, "set") == 0) {
    char *value = strchr(words, ' ');
    if (value != NULL) *value++ = 0;
    answer(value != NULL && set_dialect(words, value));
  } else if (strcmp(line, "redis") == 0) {
    answer(publish_connect(atoi(words)));
  } else if (strcmp(line, "subscribe") == 0) {
    int port = 0, at = 0;
    answer(sscanf(words, "%d %n", &port, &at) == 1 && inbound_subscribe(port, words + at));
  } else if (strcmp(line, "open") == 0) {
    int port = 0, at = 0;
    uint32_t first = 0, count = 0, at_once = 0;
    bool is_read = sscanf(words, "%d %u %u %u %n", &port, &first, &count, &at_once, &at) == 4;
    if (is_read && connections_open(port, words + at, first, count, at_once)) awaited = OPEN;
    else answer(false);
  } else if (strcmp(line, "mark") == 0) {
    memset(&tally, 0, sizeof tally);
    connections_mark();
    answer(true);
  } else if (strcmp(line, "forget") == 0) {
    publish_forget();
    answer(true);
  } else if (strcmp(line, "publish") == 0) {
    begin_stream(TO_REDIS, words);
  } else if (strcmp(line, "send") == 0) {
    begin_stream(FROM_CLIENTS, words);
  } else if (strcmp(line, "count") == 0) {
    printf("{\"open\":%u,\"frames\":%lu}\n", connections_ready(), (unsigned long)tally.frames);
  } else if (strcmp(line, "report") == 0) {
    answer_report();
  } else if (strcmp(line, "close") == 0) {
    connections_close();
    answer(true);
  } else {
    answer(false);
  }
}

static void read_commands(void) {
  static char text[1 << 20];
  static size_t length;
  ssize_t got = read(STDIN_FILENO, text + length, sizeof text - length - 1);
  if (got <= 0) exit(0);
  length += (size_t)got;
  char *start = text, *feed;
  while ((feed = memchr(start, '\n', (size_t)(text + length - start))) != NULL) {
    *feed = 0;
    obey(start);
    start = feed + 1;
  }
  length = (size_t)(text + length - start);
  memmove(text, start, length);
  fflush(stdout);
}

static void handle(struct epoll_event *event) {
  if (event->data.ptr == &stdin_mark) read_commands();
  else if (event->data.ptr == &publish_mark) publish_event(event->events);
  else if (event->data.ptr == &inbound_mark) inbound_event(event->events);
  else connections_event(event->data.ptr, event->events);
}

// Takes all that is there; what is due is published in between, so that a flood does not delay the schedule.
static void take_all(int timeout_ms) {
  struct epoll_event events[BATCH];
  for (;;) {
    int count = epoll_wait(poller, events, BATCH, timeout_ms);
    for (int i = 0; i < count; i += 1) handle(&events[i]);
    publish_due(now_us());
    if (count < BATCH) return;
    timeout_ms = 0;
  }
}

static void give_answers(void) {
  if (awaited == OPEN && !connections_opening()) answer_open();
  else if (awaited == STREAM && !publish_is_streaming()) answer_stream();
  else return;
  awaited = NOTHING;
  fflush(stdout);
}

int main(void) {
  // Else the kernel adds 50 µs to every sleep.
  prctl(PR_SET_TIMERSLACK, 1000);
  poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = &stdin_mark};
  epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  uint64_t last_busy = 0;
  for (;;) {
    uint64_t before = tally.reads + tally.frames;
    bool is_busy = publish_is_streaming() || now_us() - last_busy < 2000000;
    // While connections open, each wakes the next; ticks would make the opening slow.
    if (awaited == OPEN) take_all(100);
    else if (is_busy) take_all(0);
    else take_all(20);
    if (publish_is_streaming() || tally.reads + tally.frames != before) last_busy = now_us();
    give_answers();
    if (awaited != OPEN && is_busy) {
      struct timespec tick = {.tv_nsec = TICK_US * 1000};
      while (clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, &tick) == EINTR) {
      }
    }
  }
}
