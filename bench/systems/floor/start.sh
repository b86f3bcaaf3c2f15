#!/bin/sh
# Runs the control that install.sh built into $1, on the port PORT of this machine, with the Redis on REDIS_PORT.
set -eu
exec "$1/floor" "$PORT" "$REDIS_PORT"
