#!/bin/sh
# While docker-compose.yml is up: enrol a transmitter, publish a fire as that transmitter, see the alarm, see every Prometheus target up.
# CONTAINERS=podman where podman runs it. Needs mosquitto_pub, curl and python3 on this machine. Exit status 0: all of it was seen.
set -eu
containers=${CONTAINERS:-docker}
limit=${LIMIT_SECONDS:-180}
id=prove-$$

container() { "$containers" ps -q --filter "name=[_-]$1[_-]1\$" | head -n 1; }
inside() { service=$1; shift; "$containers" exec -i "$(container "$service")" "$@"; }
until_ok() { # until_ok WHAT COMMAND…: try once a second until the time is over
  what=$1; shift
  end=$(($(date +%s) + limit))
  until "$@" >/tmp/prove.out 2>&1; do
    if [ "$(date +%s)" -gt "$end" ]; then echo "prove: not seen within $limit s: $what"; cat /tmp/prove.out; exit 1; fi
    sleep 1
  done
  echo "prove: seen: $what"
}

import_village() { inside registry sh -c 'printf "village_id,name\nprove,Prove\n" > /tmp/villages.csv && wanghuo registry import --villages /tmp/villages.csv'; }
enrol() { inside registry wanghuo registry enrol "$id" --village prove --class detector > /tmp/prove.password; }
publish() {
  mosquitto_pub -V 5 -q 1 -h 127.0.0.1 -p 1883 -i "$id" -u "$id" -P "$(tail -n 1 /tmp/prove.password)" -t "wanghuo/v1/$id/signal" \
    -m "{\"boot\": $(date +%s), \"seq\": 1, \"point\": \"1\", \"kind\": \"fire_alarm\", \"active\": true}"
}
alarm() { inside alerts wanghuo alarms list --json | grep -q "$id"; }
targets() {
  curl -fsS http://127.0.0.1:9090/api/v1/targets | python3 -c '
import json, sys
targets = json.load(sys.stdin)["data"]["activeTargets"]
down = [target["labels"]["service"] for target in targets if target["health"] != "up"]
print("down:", down)
sys.exit(0 if len(targets) == 7 and not down else 1)'
}

ready() { inside "$1" wanghuo healthy "$2" --path /readyz; }

# A message that comes before ingest has a session at the broker finds nobody: a device re-sends it, mosquitto_pub does not.
until_ok "ingest ready" ready ingest-signal 9101
until_ok "a village in the register" import_village
until_ok "transmitter $id enrolled" enrol
until_ok "its fire published" publish
until_ok "its alarm" alarm
until_ok "all seven Prometheus targets up" targets
