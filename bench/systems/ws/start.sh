#!/bin/sh
# Runs the relay that install.sh put into $1, on the port PORT of this machine, with the Redis on REDIS_PORT.
set -eu
cd "$1/ws"
export NODE_ENV=production
exec ./node_modules/node/bin/node server.mjs
