#!/bin/sh
# Builds the control into $1.
set -eu
command -v gcc >/dev/null || { echo "floor needs gcc: apt-get install gcc libc6-dev" >&2; exit 1; }
exec gcc -O2 -Wall -Wextra -D_GNU_SOURCE -o "$1/floor" "$(dirname "$0")/floor.c"
