// What the parts of the load generator share. One process, one thread: time is read where it is needed, and every
// buffer is reused, so that a received frame costs a recv() and a comparison.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_SLOTS 16
#define MAX_CONNECTIONS 65536
#define MAX_USERS 1000000
#define FIRST_ID 1000000

// Bytes with numbers of a fixed width in it: 'u' a user (7 digits), 'n' a count (10), 't' a time (13 digits, µs), and
// at most one '*' at the end: any further bytes, up to 96.
struct template {
  char *image;
  uint32_t length;
  bool is_open_ended;
  int slots;
  struct {
    char kind;
    uint32_t offset;
  } slot[MAX_SLOTS];
};

struct stamp {
  uint32_t user;
  uint32_t n;
  uint64_t at;
};

// Reads "c<hex>,u,c<hex>,n,…"; false where it is not that.
bool template_read(struct template *, const char *text);
// Writes `length` bytes to `out`.
void template_fill(struct template *, struct stamp, char *out);
enum match { MATCHES, WRONG_BYTES, WRONG_USER };
// Compares every byte; the numbers go to `stamp`. WRONG_USER where it names another user than `user`, or two.
enum match template_match(const struct template *, const char *bytes, uint32_t length, uint32_t user, struct stamp *);

// Times in steps of 1.6 %, from a microsecond to about an hour.
#define HISTOGRAM_STEPS 2048
struct histogram {
  uint64_t count;
  uint64_t highest;
  uint64_t steps[HISTOGRAM_STEPS];
};
void histogram_add(struct histogram *, uint64_t microseconds);
// Microseconds that a share of all times do not pass.
double histogram_at(const struct histogram *, double share);

// What came and went since the last mark.
struct tally {
  uint64_t frames;
  uint64_t bytes;
  uint64_t reads;
  uint64_t wrong_bytes;
  uint64_t wrong_user;
  uint64_t not_rising;
  uint64_t gaps;
  uint64_t pings;
  uint64_t closed;
  uint32_t last_close_code;
  struct histogram latency;
};
extern struct tally tally;

enum state { CONNECTING, SHAKING, GREETING, READY, GONE };
struct connection {
  int fd;
  enum state state;
  uint32_t user;
  // Count of the last update that came, for its user or for everyone.
  uint32_t last;
  uint32_t rest_length;
  uint32_t rest_room;
  uint64_t began;
  const char *hello;
  char *rest;
};

// How a system speaks beyond RFC 6455.
struct dialect {
  // The text after which the hello is sent; "" sends it at once.
  char hello_after[64];
  // How the text begins with which the connection counts as open; "" is open at 101.
  char ready[64];
  char ping[16];
  char pong[16];
  // Whether a line feed separates several texts in one frame.
  bool has_lines;
};
extern struct dialect dialect;
extern struct template expected;
extern bool is_broadcast;
// Whether connections that open are due everything that was ever published for them.
extern bool is_resuming;

// connections.c
bool connections_open(int port, const char *file, uint32_t first_user, uint32_t count, uint32_t at_once);
// Whether an open is under way.
bool connections_opening(void);
void connections_event(struct connection *, uint32_t events);
void connections_mark(void);
void connections_close(void);
uint32_t connections_ready(void);
struct connection *connection_at(uint32_t index);
uint32_t connections_known(void);
struct opening {
  uint32_t refused;
  double seconds;
  struct histogram handshake;
};
extern struct opening opening;
// Updates that were published and have not come to a connection that is open, or was at the last mark.
uint64_t connections_missing(void);

// frames.c: takes what came on a connection whose handshake is done, from the beginning of a frame on.
// Returns how many bytes it used, or -1 where the connection is to be closed.
int64_t frames_take(struct connection *, char *bytes, size_t length, uint64_t now);
bool send_text(struct connection *, const char *text, size_t length);

// publish.c
enum source { TO_REDIS, FROM_CLIENTS };
struct stream {
  enum source source;
  uint32_t first_user;
  uint32_t users;
  uint32_t burst;
  double rate;
  double seconds;
};
extern struct template published;
bool publish_connect(int port);
void publish_begin(struct stream);
// Publishes what is due. Returns whether the stream is still under way.
bool publish_due(uint64_t now);
void publish_event(uint32_t events);
bool publish_is_streaming(void);
void publish_forget(void);
uint32_t published_for(uint32_t user);
struct publishing {
  uint64_t published;
  uint64_t confirmed;
  uint64_t errors;
  uint64_t blocked;
  char first_error[128];
  struct histogram slip;
};
extern struct publishing publishing;

// inbound.c: what clients sent, as workers get it from Redis.
bool inbound_subscribe(int port, const char *pattern);
void inbound_event(uint32_t events);
extern struct template sent;

// main.c
uint64_t now_us(void);
extern int poller;
// What an epoll event is about, where it is no connection.
extern char stdin_mark, publish_mark, inbound_mark;
