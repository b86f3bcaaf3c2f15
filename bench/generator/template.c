#include "generator.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t width_of['z' + 1] = {['u'] = 7, ['n'] = 10, ['t'] = 13};

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool template_read(struct template *t, const char *text) {
  free(t->image);
  memset(t, 0, sizeof *t);
  t->image = malloc(strlen(text) * 13 + 16);
  while (*text != 0) {
    char kind = *text++;
    if (kind == 'c') {
      while (*text != 0 && *text != ',') {
        int high = hex_digit(text[0]), low = hex_digit(text[1]);
        if (high < 0 || low < 0) return false;
        t->image[t->length++] = (char)(high << 4 | low);
        text += 2;
      }
    } else if (kind == '*') {
      t->is_open_ended = true;
    } else if (kind == 'u' || kind == 'n' || kind == 't') {
      if (t->slots == MAX_SLOTS) return false;
      t->slot[t->slots].kind = kind;
      t->slot[t->slots].offset = t->length;
      t->slots += 1;
      t->length += width_of[(int)kind];
    } else {
      return false;
    }
    if (*text == ',') text += 1;
  }
  return true;
}

static void write_digits(char *out, uint64_t value, uint32_t width) {
  for (uint32_t at = width; at > 0; at -= 1) {
    out[at - 1] = (char)('0' + value % 10);
    value /= 10;
  }
}

void template_fill(struct template *t, struct stamp stamp, char *out) {
  memcpy(out, t->image, t->length);
  for (int i = 0; i < t->slots; i += 1) {
    char *at = out + t->slot[i].offset;
    if (t->slot[i].kind == 'u') write_digits(at, FIRST_ID + stamp.user, 7);
    else if (t->slot[i].kind == 'n') write_digits(at, 1000000000ull + stamp.n, 10);
    else write_digits(at, 1000000000000ull + stamp.at, 13);
  }
}

static bool read_digits(const char *from, uint32_t width, uint64_t *value) {
  *value = 0;
  for (uint32_t at = 0; at < width; at += 1) {
    if (from[at] < '0' || from[at] > '9') return false;
    *value = *value * 10 + (uint64_t)(from[at] - '0');
  }
  return true;
}

enum match template_match(const struct template *t, const char *bytes, uint32_t length, uint32_t user,
                          struct stamp *stamp) {
  if (length < t->length || length > t->length + (t->is_open_ended ? 96 : 0)) return WRONG_BYTES;
  uint32_t done = 0;
  bool is_other = false;
  for (int i = 0; i < t->slots; i += 1) {
    uint32_t offset = t->slot[i].offset;
    if (memcmp(bytes + done, t->image + done, offset - done) != 0) return WRONG_BYTES;
    uint32_t width = width_of[(int)t->slot[i].kind];
    uint64_t value;
    if (!read_digits(bytes + offset, width, &value)) return WRONG_BYTES;
    if (t->slot[i].kind == 'u') {
      stamp->user = (uint32_t)(value - FIRST_ID);
      if (stamp->user != user) is_other = true;
    } else if (t->slot[i].kind == 'n') {
      stamp->n = (uint32_t)(value - 1000000000ull);
    } else {
      stamp->at = value - 1000000000000ull;
    }
    done = offset + width;
  }
  if (memcmp(bytes + done, t->image + done, t->length - done) != 0) return WRONG_BYTES;
  return is_other ? WRONG_USER : MATCHES;
}
