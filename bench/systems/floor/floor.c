// The least any process can do to bring an update from Redis to sockets: one recv() for what Redis sent, a look-up, one
// send() for each delivery. It checks nothing, bounds nothing, answers no ping, believes every ?user_id=, and where a
// socket is full it waits. What a relay costs beyond it is the price of its promises.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define USERS 1000000
#define FIRST_ID 1000000
#define CONNECTIONS 65536
#define ROOM (1 << 23)
#define TARGET "{\"target_user_id\":\""

struct connection {
  int fd, place;
  uint32_t user;
  struct connection *next;
};

static struct connection *of_user[USERS];
static struct connection *all[CONNECTIONS];
static int open_count, poller, redis, listener;
static char input[ROOM], frame[ROOM];
static size_t filled;

static void send_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0) {
      struct pollfd writable = {.fd = fd, .events = POLLOUT};
      if (poll(&writable, 1, 1000) <= 0 || (writable.revents & (POLLERR | POLLHUP)) != 0) return;
      continue;
    }
    bytes += sent;
    length -= (size_t)sent;
  }
}

// The update without its first member, which is the target.
static void deliver(const char *update, size_t length) {
  const char *target = update + sizeof TARGET - 1;
  const char *rest = strstr(target, "\",") + 2;
  size_t size = length - (size_t)(rest - update) + 1, head = 2;
  frame[0] = (char)0x81;
  if (size < 126) {
    frame[1] = (char)size;
  } else if (size < 65536) {
    frame[1] = 126;
    frame[2] = (char)(size >> 8);
    frame[3] = (char)size;
    head = 4;
  } else {
    frame[1] = 127;
    for (int i = 0; i < 8; i += 1) frame[2 + i] = (char)(size >> (56 - 8 * i));
    head = 10;
  }
  frame[head] = '{';
  memcpy(frame + head + 1, rest, size - 1);
  if (*target == '*') {
    for (int i = 0; i < open_count; i += 1) send_all(all[i]->fd, frame, head + size);
    return;
  }
  uint32_t user = (uint32_t)atoi(target + sizeof "user-" - 1) - FIRST_ID;
  if (user >= USERS) return;
  for (struct connection *c = of_user[user]; c != NULL; c = c->next) send_all(c->fd, frame, head + size);
}

// `*3 $7 message $7 updates $<length> <text>`, and before the first the answer to SUBSCRIBE.
static void read_redis(void) {
  static const char mark[] = "message\r\n$7\r\nupdates\r\n$";
  ssize_t got = recv(redis, input + filled, ROOM - filled - 1, 0);
  if (got <= 0) exit(1);
  filled += (size_t)got;
  input[filled] = 0;
  char *at = input, *end = input + filled;
  for (;;) {
    char *found = memmem(at, (size_t)(end - at), mark, sizeof mark - 1);
    if (found == NULL) break;
    char *digits = found + sizeof mark - 1;
    char *text = memchr(digits, '\n', (size_t)(end - digits));
    if (text == NULL) break;
    size_t length = strtoul(digits, NULL, 10);
    if (text + 1 + length + 2 > end) break;
    deliver(text + 1, length);
    at = text + 1 + length + 2;
  }
  filled = (size_t)(end - at);
  memmove(input, at, filled);
}

static void drop(struct connection *c) {
  if (c->place >= 0) {
    all[c->place] = all[--open_count];
    all[c->place]->place = c->place;
    for (struct connection **at = &of_user[c->user]; *at != NULL; at = &(*at)->next) {
      if (*at != c) continue;
      *at = c->next;
      break;
    }
  }
  close(c->fd);
  free(c);
}

// Takes the request whole, or not at all, and gives every client the same answer: the bench's key is always the same.
static void read_client(struct connection *c) {
  char bytes[2048];
  ssize_t got = recv(c->fd, bytes, sizeof bytes - 1, 0);
  if (got <= 0) {
    drop(c);
    return;
  }
  if (c->place >= 0) return;
  bytes[got] = 0;
  static const char upgrade[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  static const char ready[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  char *id = strstr(bytes, "user_id=user-");
  if (id == NULL || open_count == CONNECTIONS) {
    send_all(c->fd, ready, sizeof ready - 1);
    drop(c);
    return;
  }
  c->user = (uint32_t)atoi(id + sizeof "user_id=user-" - 1) - FIRST_ID;
  if (c->user >= USERS) {
    drop(c);
    return;
  }
  c->next = of_user[c->user];
  of_user[c->user] = c;
  c->place = open_count;
  all[open_count++] = c;
  send_all(c->fd, upgrade, sizeof upgrade - 1);
}

static void accept_all(void) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    c->place = -1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

static struct sockaddr_in loopback(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static void watch(int fd, void *mark) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = mark};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

// floor <port> <port of Redis>
int main(int count, char **words) {
  if (count != 3) return 2;
  poller = epoll_create1(EPOLL_CLOEXEC);
  struct sockaddr_in address = loopback(words[2]);
  redis = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(redis, (struct sockaddr *)&address, sizeof address) < 0) return 1;
  static const char subscribe[] = "SUBSCRIBE updates\r\n";
  send_all(redis, subscribe, sizeof subscribe - 1);
  address = loopback(words[1]);
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) return 1;
  watch(redis, &redis);
  watch(listener, &listener);
  for (;;) {
    struct epoll_event events[512];
    int ready = epoll_wait(poller, events, 512, -1);
    for (int i = 0; i < ready; i += 1) {
      if (events[i].data.ptr == &redis) read_redis();
      else if (events[i].data.ptr == &listener) accept_all();
      else read_client(events[i].data.ptr);
    }
  }
}
