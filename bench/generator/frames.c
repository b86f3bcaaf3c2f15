#include "generator.h"

#include <string.h>
#include <sys/socket.h>

#define TEXT 0x1
#define BINARY 0x2
#define CLOSE 0x8
#define PING 0x9
#define PONG 0xa

// A mask of zeros leaves the payload as it is; the receiver still has to unmask it.
static bool send_frame(struct connection *c, int opcode, const char *payload, size_t length) {
  static char frame[70000];
  if (length > 65535) return false;
  size_t head = 2;
  frame[0] = (char)(0x80 | opcode);
  if (length < 126) {
    frame[1] = (char)(0x80 | length);
  } else {
    frame[1] = (char)(0x80 | 126);
    frame[2] = (char)(length >> 8);
    frame[3] = (char)length;
    head = 4;
  }
  memset(frame + head, 0, 4);
  memcpy(frame + head + 4, payload, length);
  size_t size = head + 4 + length;
  return send(c->fd, frame, size, MSG_NOSIGNAL) == (ssize_t)size;
}

bool send_text(struct connection *c, const char *text, size_t length) {
  return send_frame(c, TEXT, text, length);
}

static void count_update(struct connection *c, const char *text, uint32_t length, uint64_t now) {
  struct stamp stamp = {0};
  enum match match = template_match(&expected, text, length, is_broadcast ? 0 : c->user, &stamp);
  if (match == WRONG_BYTES) {
    tally.wrong_bytes += 1;
    return;
  }
  tally.frames += 1;
  tally.bytes += length;
  if (match == WRONG_USER) {
    tally.wrong_user += 1;
    return;
  }
  histogram_add(&tally.latency, now > stamp.at ? now - stamp.at : 0);
  if (stamp.n <= c->last) {
    tally.not_rising += 1;
    return;
  }
  tally.gaps += stamp.n - c->last - 1;
  c->last = stamp.n;
}

static void take_text(struct connection *c, const char *text, uint32_t length, uint64_t now) {
  if (dialect.ping[0] != 0 && length == strlen(dialect.ping) && memcmp(text, dialect.ping, length) == 0) {
    tally.pings += 1;
    if (dialect.pong[0] != 0) send_text(c, dialect.pong, strlen(dialect.pong));
    return;
  }
  if (c->state == READY) {
    count_update(c, text, length, now);
    return;
  }
  size_t after = strlen(dialect.hello_after), ready = strlen(dialect.ready);
  if (after > 0 && length >= after && memcmp(text, dialect.hello_after, after) == 0) {
    send_text(c, c->hello, strlen(c->hello));
  } else if (length >= ready && memcmp(text, dialect.ready, ready) == 0) {
    c->state = READY;
  }
}

static void take_texts(struct connection *c, const char *text, uint32_t length, uint64_t now) {
  while (dialect.has_lines && length > 0) {
    const char *feed = memchr(text, '\n', length);
    if (feed == NULL) break;
    uint32_t line = (uint32_t)(feed - text);
    if (line > 0) take_text(c, text, line, now);
    text += line + 1;
    length -= line + 1;
  }
  if (length > 0) take_text(c, text, length, now);
}

int64_t frames_take(struct connection *c, char *bytes, size_t length, uint64_t now) {
  size_t at = 0;
  for (;;) {
    if (length - at < 2) return (int64_t)at;
    const unsigned char *head = (const unsigned char *)bytes + at;
    size_t size = head[1] & 0x7f, body = at + 2;
    if (size == 126) {
      if (length - at < 4) return (int64_t)at;
      size = (size_t)head[2] << 8 | head[3];
      body = at + 4;
    } else if (size == 127) {
      if (length - at < 10) return (int64_t)at;
      size = 0;
      for (int i = 2; i < 10; i += 1) size = size << 8 | head[i];
      body = at + 10;
    }
    // No system under test sends a frame like that: it is the tail of a broken one.
    if (size > (1u << 22) || (head[0] & 0x70) != 0) {
      tally.wrong_bytes += 1;
      return -1;
    }
    if (length < body + size) return (int64_t)at;
    int opcode = head[0] & 0x0f;
    bool is_whole = (head[0] & 0x80) != 0;
    if (opcode == PING) {
      tally.pings += 1;
      send_frame(c, PONG, bytes + body, size);
    } else if (opcode == CLOSE) {
      const unsigned char *payload = (const unsigned char *)bytes + body;
      tally.last_close_code = size >= 2 ? (uint32_t)payload[0] << 8 | payload[1] : 1005;
      return -1;
    } else if (opcode == TEXT || opcode == BINARY) {
      if (is_whole) take_texts(c, bytes + body, (uint32_t)size, now);
      else tally.wrong_bytes += 1;
    } else if (opcode != PONG) {
      tally.wrong_bytes += 1;
    }
    at = body + size;
  }
}
