#!/bin/sh
# Installs the relay's packages, and the Node.js that is pinned among them, into $1/ws.
set -eu
mkdir -p "$1/ws"
cp "$(dirname "$0")/package.json" "$(dirname "$0")/package-lock.json" "$(dirname "$0")"/*.mjs "$1/ws/"
# Nothing to do where the packages that the lock file names are there; npm writes its own list last.
if [ "$1/ws/node_modules/.package-lock.json" -nt "$(dirname "$0")/package-lock.json" ]; then exit 0; fi
cd "$1/ws"
exec npm ci --no-audit --no-fund --loglevel=error
