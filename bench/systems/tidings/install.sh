#!/bin/sh
# Builds the executable and copies it into $1, so that a later build does not change it under a running bench.
# BENCH_TIDINGS names another one to measure instead.
set -eu
root="$(cd "$(dirname "$0")/../../.." && pwd)"
if [ -z "${BENCH_TIDINGS:-}" ]; then
  (cd "$root" && npm run --silent build >&2)
  BENCH_TIDINGS="$root/dist/tidings"
fi
cp "$BENCH_TIDINGS" "$1/tidings.fresh"
mv "$1/tidings.fresh" "$1/tidings"
