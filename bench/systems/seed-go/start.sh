#!/bin/sh
# Runs the relay that install.sh built into $1, on the port PORT of this machine, with the Redis on REDIS_PORT.
set -eu
export LISTEN="127.0.0.1:$PORT" REDIS_ADDR="127.0.0.1:$REDIS_PORT"
exec "$1/seed-go"
