#!/bin/sh
# Builds the relay into $1.
set -eu
command -v go >/dev/null || { echo "seed-go needs Go 1.24 or newer: https://go.dev" >&2; exit 1; }
cd "$(dirname "$0")"
exec go build -trimpath -o "$1/seed-go" .
