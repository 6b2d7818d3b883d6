#!/bin/sh
# Write .env from .env.example with a password of its own for every account. An .env that is there stays as it is.
set -eu
cd "$(dirname "$0")/.."
[ ! -e .env ] || { echo "make-env: .env is there already; it was not touched" >&2; exit 1; }
umask 077
while IFS= read -r line; do
  case $line in *_PASSWORD=) line=$line$(openssl rand -hex 24) ;; esac
  printf '%s\n' "$line"
done < .env.example > .env.part
mv .env.part .env
echo "make-env: .env is written; name your roster and the addresses to listen on in it"
