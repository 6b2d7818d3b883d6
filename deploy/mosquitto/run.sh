#!/bin/sh
# The broker's command in a container: run Mosquitto, and let it read the password file anew whenever that changes.
# The file is written by other containers under users of their own; the broker gets a copy that it, and only it, can read.
# The private stack does the same in stack/broker.py.
set -eu

base=${MOSQUITTO_BASE:-/mosquitto}
source=$base/credentials/passwords
passwords=$base/passwords

state() { [ ! -e "$source" ] || cksum < "$source"; }
own() { [ "$(id -u)" != 0 ] || chown mosquitto "$@"; }
take() {
  (umask 077 && cat "$source" > "$passwords.part")
  own "$passwords.part"
  mv "$passwords.part" "$passwords"
}

# A new volume, and one that the image's entrypoint went over, is not the writers'.
[ -z "${CREDENTIALS_OWNER:-}" ] || chown -R "$CREDENTIALS_OWNER" "$base/credentials"

# Until the first account is written nobody can sign in.
[ -e "$passwords" ] || { (umask 077 && : > "$passwords"); own "$passwords"; }
known=$(state)
[ -z "$known" ] || take
own "$base/data"

mosquitto -c "$base/config/mosquitto.conf" &
broker=$!
trap 'kill -TERM "$broker"' TERM INT

while kill -0 "$broker" 2>/dev/null; do
  sleep 1 & # in the background, so that a signal does not wait for it
  wait $! || true
  now=$(state)
  if [ -n "$now" ] && [ "$now" != "$known" ]; then
    take
    known=$now
    kill -HUP "$broker" 2>/dev/null || true
  fi
done
code=0
wait "$broker" || code=$?
exit "$code"
