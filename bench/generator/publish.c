#include "generator.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// What Redis has not taken may wait here; a schedule that runs further ahead of it than this is over.
#define ROOM (256u << 20)
// A step through the users that is coprime to any number of them that is used, so that neighbours are not neighbours in
// time.
#define STRIDE 7919u

struct template published, sent;
struct publishing publishing;
static uint32_t counts[MAX_USERS];
static struct stream stream;
static bool is_streaming;
static uint64_t began, due_total, done;
static int redis = -1;
static char *output;
static size_t from, to;

uint32_t published_for(uint32_t user) { return user < MAX_USERS ? counts[user] : 0; }
bool publish_is_streaming(void) { return is_streaming; }

void publish_forget(void) { memset(counts, 0, sizeof counts); }

bool publish_connect(int port) {
  if (redis >= 0) close(redis);
  if (output == NULL) output = malloc(ROOM);
  redis = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(redis, (struct sockaddr *)&address, sizeof address) < 0) return false;
  int on = 1;
  setsockopt(redis, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = &publish_mark};
  return epoll_ctl(poller, EPOLL_CTL_ADD, redis, &event) == 0;
}

void publish_begin(struct stream next) {
  stream = next;
  memset(&publishing, 0, sizeof publishing);
  began = now_us();
  due_total = (uint64_t)(stream.rate * stream.seconds + 0.5);
  done = 0;
  is_streaming = true;
}

static void flush(void) {
  while (from < to) {
    ssize_t sent_now = send(redis, output + from, to - from, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent_now <= 0) break;
    from += (size_t)sent_now;
  }
  if (from == to) from = to = 0;
}

static void to_redis(struct stamp stamp) {
  if (to + published.length > ROOM) {
    memmove(output, output + from, to - from);
    to -= from;
    from = 0;
  }
  if (to + published.length > ROOM) {
    publishing.blocked += 1;
    return;
  }
  template_fill(&published, stamp, output + to);
  to += published.length;
}

static void from_client(struct stamp stamp, uint32_t index) {
  static char text[70000];
  struct connection *c = connection_at(index);
  if (c->state != READY || sent.length > sizeof text) {
    publishing.blocked += 1;
    return;
  }
  template_fill(&sent, stamp, text);
  if (!send_text(c, text, sent.length)) publishing.blocked += 1;
}

bool publish_due(uint64_t now) {
  if (!is_streaming) return false;
  uint64_t due = (uint64_t)((double)(now - began) / 1e6 * stream.rate);
  due = (due / stream.burst + 1) * stream.burst;
  if (due > due_total) due = due_total;
  bool has_more = done < due;
  for (; done < due; done += 1) {
    uint64_t at = began + (uint64_t)((double)(done / stream.burst * stream.burst) / stream.rate * 1e6);
    uint32_t place = (uint32_t)(done * STRIDE % stream.users);
    uint32_t user = is_broadcast ? 0 : stream.first_user + place;
    if (stream.source == FROM_CLIENTS) user = connection_at(place)->user;
    struct stamp stamp = {.user = user, .n = ++counts[user], .at = at};
    histogram_add(&publishing.slip, now > at ? now - at : 0);
    if (stream.source == TO_REDIS) to_redis(stamp);
    else from_client(stamp, place);
    publishing.published += 1;
  }
  if (has_more || to > 0) flush();
  bool is_answered = stream.source == FROM_CLIENTS ||
                     publishing.confirmed + publishing.errors >= publishing.published - publishing.blocked;
  bool is_over = done >= due_total && is_answered;
  // Redis gets ten seconds to answer for the rest.
  if (now - began > (uint64_t)(stream.seconds * 1e6) + 10000000ull) is_over = true;
  if (is_over) is_streaming = false;
  return is_streaming;
}

// Answers are integers, states, errors, or texts of one line: `$<length>` and then the text.
static void read_replies(const char *bytes, size_t length) {
  static enum { NEW, REST, TEXT_LENGTH, TEXT_LINE, ERROR } line;
  static size_t error_length;
  for (size_t i = 0; i < length; i += 1) {
    char c = bytes[i];
    if (c == '\n') {
      if (line == REST || line == TEXT_LINE) publishing.confirmed += 1;
      if (line == ERROR) publishing.errors += 1;
      line = line == TEXT_LENGTH ? TEXT_LINE : NEW;
    } else if (line == NEW) {
      line = c == '-' ? ERROR : c == '$' ? TEXT_LENGTH : REST;
      error_length = publishing.errors == 0 ? 0 : sizeof publishing.first_error;
    } else if (line == ERROR && c >= ' ' && c != '"' && c != '\\' &&
               error_length < sizeof publishing.first_error - 1) {
      publishing.first_error[error_length++] = c;
      publishing.first_error[error_length] = 0;
    }
  }
}

void publish_event(uint32_t events) {
  (void)events;
  static char replies[1 << 18];
  for (;;) {
    ssize_t got = recv(redis, replies, sizeof replies, MSG_DONTWAIT);
    if (got <= 0) {
      if (got == 0) {
        close(redis);
        redis = -1;
      }
      return;
    }
    read_replies(replies, (size_t)got);
    if ((size_t)got < sizeof replies) return;
  }
}
