#!/bin/sh
# Builds the executable and copies it into $1, so that a later build does not change it under a running bench.
# TIDINGS_EXECUTABLE names another one to measure instead.
set -eu
root="$(cd "$(dirname "$0")/../../.." && pwd)"
if [ -z "${TIDINGS_EXECUTABLE:-}" ]; then
  (cd "$root" && npm run --silent build >&2)
  TIDINGS_EXECUTABLE="$root/dist/tidings"
fi
cp "$TIDINGS_EXECUTABLE" "$1/tidings.fresh"
mv "$1/tidings.fresh" "$1/tidings"
