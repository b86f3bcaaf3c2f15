#!/bin/sh
# Runs the executable that install.sh put into $1, on the port PORT of this machine, with the Redis on REDIS_PORT.
set -eu
export TIDINGS_HOST=127.0.0.1 TIDINGS_PORT="$PORT" TIDINGS_REDIS_URL="redis://127.0.0.1:$REDIS_PORT"
export TIDINGS_JWT_SECRET="$JWT_SECRET" TIDINGS_LOG_LEVEL=warn
exec "$1/tidings" serve
