#include "generator.h"

// 64 steps for each power of two; below 64 µs a step is a microsecond.

static uint32_t step_of(uint64_t value) {
  if (value < 64) return (uint32_t)value;
  uint32_t power = 63 - (uint32_t)__builtin_clzll(value);
  uint32_t step = (power - 5) * 64 + (uint32_t)((value >> (power - 6)) & 63);
  return step < HISTOGRAM_STEPS ? step : HISTOGRAM_STEPS - 1;
}

static double highest_of(uint32_t step) {
  if (step < 64) return step;
  uint32_t power = step / 64 + 5;
  return (double)((uint64_t)(64 + step % 64 + 1) << (power - 6)) - 1;
}

void histogram_add(struct histogram *h, uint64_t microseconds) {
  h->steps[step_of(microseconds)] += 1;
  h->count += 1;
  if (microseconds > h->highest) h->highest = microseconds;
}

double histogram_at(const struct histogram *h, double share) {
  double rank = share * (double)h->count;
  uint64_t below = 0;
  for (uint32_t step = 0; step < HISTOGRAM_STEPS; step += 1) {
    below += h->steps[step];
    if (below > 0 && (double)below >= rank) {
      double value = highest_of(step);
      return value < (double)h->highest ? value : (double)h->highest;
    }
  }
  return 0;
}
