#!/bin/sh
# Installs the relay's packages, and the Node.js that is pinned among them, into $1/socket.io.
set -eu
mkdir -p "$1/socket.io"
cp "$(dirname "$0")/package.json" "$(dirname "$0")/package-lock.json" "$(dirname "$0")"/*.mjs "$1/socket.io/"
# Nothing to do where the packages that the lock file names are there; npm writes its own list last.
if [ "$1/socket.io/node_modules/.package-lock.json" -nt "$(dirname "$0")/package-lock.json" ]; then exit 0; fi
cd "$1/socket.io"
exec npm ci --no-audit --no-fund --loglevel=error
