#include "generator.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// Room for what one recv() brings after the rest of a frame that was cut off.
#define READ_SIZE (1 << 20)
#define REST_LIMIT (1 << 22)

static struct connection connections[MAX_CONNECTIONS];
static uint32_t known, ready;
// The open that is under way.
static struct {
  int port;
  uint32_t first, next, end, settled, at_once, ready_before;
  uint64_t began;
} queue;
struct opening opening;
static char *requests, *request_next, *requests_end;
static char input[READ_SIZE + REST_LIMIT];

uint32_t connections_ready(void) { return ready; }
uint32_t connections_known(void) { return known; }
struct connection *connection_at(uint32_t index) { return &connections[index]; }
bool connections_opening(void) { return queue.settled < queue.end - queue.first; }

static void settle(struct connection *c, bool is_open) {
  queue.settled += 1;
  if (is_open) {
    ready += 1;
    histogram_add(&opening.handshake, now_us() - c->began);
  } else {
    opening.refused += 1;
  }
  opening.seconds = (double)(now_us() - queue.began) / 1e6;
}

static void drop(struct connection *c) {
  bool was_open = c->state == READY;
  close(c->fd);
  free(c->rest);
  c->rest = NULL;
  c->rest_length = c->rest_room = 0;
  c->state = GONE;
  if (was_open) {
    ready -= 1;
    tally.closed += 1;
  } else {
    settle(c, false);
  }
}

static void start_next(void) {
  while (queue.next < queue.end && queue.next - queue.first - queue.settled < queue.at_once) {
    struct connection *c = &connections[queue.next++];
    c->began = now_us();
    c->state = CONNECTING;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
      c->state = GONE;
      settle(c, false);
      continue;
    }
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // However it ends, it leaves nothing behind: tens of thousands of ports that wait would make the next run's connections slow.
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)queue.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) drop(c);
  }
}

// The file holds for each connection its request and its hello, each ended by a zero.
bool connections_open(int port, const char *file, uint32_t first_user, uint32_t count, uint32_t at_once) {
  if (known + count > MAX_CONNECTIONS) return false;
  FILE *stream = fopen(file, "rb");
  if (stream == NULL) return false;
  fseek(stream, 0, SEEK_END);
  long size = ftell(stream);
  rewind(stream);
  // Earlier connections that are open may still point at their hellos; those were sent, and are not read again.
  free(requests);
  requests = malloc((size_t)size + 1);
  bool is_read = fread(requests, 1, (size_t)size, stream) == (size_t)size;
  fclose(stream);
  if (!is_read) return false;
  requests[size] = 0;
  request_next = requests;
  requests_end = requests + size;
  queue.port = port;
  queue.first = queue.next = known;
  queue.end = known + count;
  queue.settled = 0;
  queue.at_once = at_once;
  queue.began = now_us();
  memset(&opening, 0, sizeof opening);
  for (uint32_t i = 0; i < count; i += 1) {
    struct connection *c = &connections[known + i];
    memset(c, 0, sizeof *c);
    c->user = first_user + i;
    c->last = is_resuming ? 0 : published_for(is_broadcast ? 0 : c->user);
    if (request_next >= requests_end) return false;
    // Until it is sent, the request stands where the hello will.
    c->hello = request_next;
    request_next += strlen(request_next) + 1;
    if (request_next > requests_end) return false;
    request_next += strlen(request_next) + 1;
  }
  known += count;
  start_next();
  return true;
}

static void send_request(struct connection *c) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  size_t length = strlen(c->hello);
  if (error != 0 || send(c->fd, c->hello, length, MSG_NOSIGNAL) != (ssize_t)length) {
    drop(c);
    start_next();
    return;
  }
  c->hello += length + 1;
  c->state = SHAKING;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

// Returns where the first frame begins, 0 where the answer is not whole, -1 where it is a refusal.
static int64_t finish_handshake(struct connection *c, const char *bytes, size_t length) {
  const char *end = memmem(bytes, length, "\r\n\r\n", 4);
  if (end == NULL) return 0;
  if (length < 12 || memcmp(bytes, "HTTP/1.1 101", 12) != 0) return -1;
  c->state = dialect.ready[0] == 0 ? READY : GREETING;
  if (c->state == GREETING && dialect.hello_after[0] == 0 && !send_text(c, c->hello, strlen(c->hello))) return -1;
  return end + 4 - bytes;
}

static bool keep_rest(struct connection *c, const char *bytes, size_t length) {
  if (length > REST_LIMIT) return false;
  if (length > c->rest_room) {
    free(c->rest);
    c->rest_room = (uint32_t)length * 2;
    c->rest = malloc(c->rest_room);
  }
  memcpy(c->rest, bytes, length);
  c->rest_length = (uint32_t)length;
  return true;
}

// Reads once; false where the connection is over.
static bool read_once(struct connection *c, bool *is_empty) {
  size_t before = c->rest_length;
  memcpy(input, c->rest, before);
  ssize_t got = recv(c->fd, input + before, READ_SIZE, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    *is_empty = true;
    return true;
  }
  if (got <= 0) return false;
  tally.reads += 1;
  *is_empty = got < READ_SIZE;
  size_t length = before + (size_t)got;
  int64_t at = 0;
  enum state was = c->state;
  if (c->state == SHAKING) {
    at = finish_handshake(c, input, length);
    if (at < 0) return false;
  }
  int64_t used = 0;
  if (c->state != SHAKING) used = frames_take(c, input + at, length - (size_t)at, now_us());
  if (was != READY && c->state == READY) {
    settle(c, true);
    start_next();
  }
  if (used < 0) return false;
  c->rest_length = 0;
  size_t done = (size_t)(at + used);
  return done == length || keep_rest(c, input + done, length - done);
}

void connections_event(struct connection *c, uint32_t events) {
  if (c->state == GONE) return;
  if (c->state == CONNECTING) {
    send_request(c);
    return;
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
  bool is_empty = false;
  while (!is_empty) {
    if (read_once(c, &is_empty)) continue;
    drop(c);
    start_next();
    return;
  }
}

void connections_mark(void) {
  for (uint32_t i = 0; i < known; i += 1) {
    connections[i].last = published_for(is_broadcast ? 0 : connections[i].user);
  }
}

uint64_t connections_missing(void) {
  uint64_t missing = 0;
  for (uint32_t i = 0; i < known; i += 1) {
    if (connections[i].state != READY && connections[i].state != GONE) continue;
    uint32_t due = published_for(is_broadcast ? 0 : connections[i].user);
    if (due > connections[i].last) missing += due - connections[i].last;
  }
  return missing + tally.gaps;
}

void connections_close(void) {
  for (uint32_t i = 0; i < known; i += 1) {
    if (connections[i].state != GONE) drop(&connections[i]);
  }
  known = ready = 0;
  memset(&queue, 0, sizeof queue);
}
