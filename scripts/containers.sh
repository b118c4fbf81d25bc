#!/usr/bin/env bash
# Builds the image and runs the services of compose.yaml in a real engine, until server and agent are healthy and a task is done.
# Run by hand: it needs root, Debian, the network and a quarter of an hour. Everything that it started or made is gone afterwards, also
# when it fails or is interrupted; packages of Debian that it installed stay.
#   scripts/containers.sh [--base ROOT.tar]     ROOT.tar: a system that debootstrap made before, to be quicker
# It works where no registry of images can be reached: base images are made here, of Debian's packages, and given the names that the
# files ask for. The services run in a network of their own, in which no port of this machine is taken. Debian has no package of
# Grafana: it is left out.
set -euo pipefail
source "$(dirname "$0")/ensure.sh"

base=
case ${1-} in
'') ;;
--base) base=$(realpath "$2") ;;
*) say "containers.sh: unknown option $1; expected --base ROOT.tar"; exit 2 ;;
esac
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  say "containers.sh: expected root on Debian; got user $(id -u)"
  exit 2
fi

step() { printf '%5ss  %s\n' "$SECONDS" "$*"; }
place=$(mktemp -d)
image=keruta:$(node -p 'require("./package.json").version')
engine= began=
export DOCKER_HOST=unix://$place/engine.sock COMPOSE_PROJECT_NAME=keruta-check COMPOSE_HTTP_TIMEOUT=300
export POSTGRES_PASSWORD=check GRAFANA_PASSWORD=check KERUTA_AGENT_TOKEN= KERUTA_METRICS_TOKEN=
# Debian's, whatever else there is
docker() { /usr/bin/docker "$@"; }
compose() { docker-compose -f "$place/compose.yaml" "$@" 2>>"$place/compose.log"; }
keruta() { compose exec -T server keruta "$@"; }

# start_engine WORD…: starts the engine behind these words
start_engine() {
  # in a session of its own: Ctrl-C is for this script, which stops the engine when nothing needs it any more
  setsid "$@" dockerd --storage-driver=vfs --iptables=false --ip6tables=false --bridge=none --data-root="$place/data" \
    --exec-root="$place/exec" --pidfile="$place/engine.pid" -H "$DOCKER_HOST" >>"$place/engine.log" 2>&1 &
  engine=$!
  local i
  for i in $(seq 240); do
    if docker version >/dev/null 2>&1; then return; fi
    kill -0 "$engine" 2>/dev/null || break
    sleep 0.5
  done
  tail -5 "$place/engine.log" >&2
  say "containers.sh: the engine does not answer"
  exit 1
}

stop_engine() {
  [ -n "$engine" ] || return 0
  kill "$engine" 2>/dev/null || true
  wait || true
  engine=
}

clean_up() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  if [ $status != 0 ]; then
    tail -5 "$place/compose.log" 2>/dev/null >&2 || true
    [ -z "$began" ] || compose logs --no-color --tail=20 >&2 || true
  fi
  [ -z "$began" ] || compose down -t 20 -v --remove-orphans >/dev/null || true
  stop_engine
  mount | awk -v p="$place/" 'index($3, p) == 1 { print $3 }' | sort -r | xargs -r umount -l
  rm -rf "$place"
  [ $status = 0 ] && step "stopped; nothing is left" || step "FAILED ($status)"
  exit $status
}
trap clean_up EXIT
trap 'exit 130' INT TERM

missing=
for pair in dockerd:docker.io docker-compose:docker-compose debootstrap:debootstrap ip:iproute2; do
  command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
  step "installing$missing"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >"$place/apt.log" 2>&1 ||
    { tail -5 "$place/apt.log" >&2; exit 1; }
fi

if [ -z "$base" ]; then
  step "debootstrap"
  debootstrap --variant=minbase bookworm "$place/root" http://deb.debian.org/debian >"$place/boot.log" 2>&1 ||
    { tail -5 "$place/boot.log" >&2; exit 1; }
  base=$place/root.tar
  tar -C "$place/root" -cf "$base" .
  rm -rf "$place/root"
fi

step "starting the engine: $(dockerd --version)"
start_engine
docker import "$base" debian:bookworm-slim >/dev/null
tar -tf "$base" >"$place/in-base"

# base_image NAME DIRECTORY [CHANGE…]: Debian with the files of a directory, under a name; changes are lines of a Dockerfile
base_image() {
  local name=$1 extra=$2 changes=()
  shift 2
  for change in "$@"; do changes+=(--change "$change"); done
  step "base image $name"
  cp "$base" "$place/base.tar"
  # no directory twice: the engine refuses that; nor one left out: it would be closed to all but root
  (cd "$extra" && find . -mindepth 1 -type d -printf '%p/\n' -o -printf '%p\n') | grep -vxFf "$place/in-base" |
    tar -C "$extra" -T - --no-recursion --owner=0 --group=0 -rf "$place/base.tar"
  docker import "${changes[@]}" "$place/base.tar" "$name" >/dev/null
  rm "$place/base.tar"
}
# add_packages NAME USER PACKAGE…: installs packages of Debian in a base image, whose user this one becomes
add_packages() {
  local name=$1 user=$2
  shift 2
  printf 'FROM %s\nRUN apt-get update && apt-get install -y --no-install-recommends %s\nUSER %s\n' "$name" "$*" "$user" |
    docker build -q --network=host -t "$name" - >/dev/null
}

node=$place/node postgres=$place/postgres prometheus=$place/prometheus
mkdir -p "$node/usr/local/bin" "$node/usr/local/lib/node_modules" "$node/etc/ssl/certs" "$postgres/var/lib/postgresql/data"
mkdir -p "$prometheus/prometheus"
cp "$(node -p 'process.execPath')" "$node/usr/local/bin/node"
cp -rL "$(dirname "$(dirname "$(realpath "$(type -P npm)")")")" "$node/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$node/usr/local/bin/npm"
# the certificates that this machine trusts
cp /etc/ssl/certs/ca-certificates.crt "$node/etc/ssl/certs/"
cat >"$postgres/start" <<'END'
#!/bin/bash
# As the official image does: makes the database the first time, then runs the server.
set -e
bin=$(echo /usr/lib/postgresql/*/bin)
data=/var/lib/postgresql/data
chown postgres "$data"
as() { setpriv --reuid postgres --regid postgres --clear-groups -- "$@"; }
if [ ! -e "$data/PG_VERSION" ]; then
  install -o postgres -m 600 <(echo "$POSTGRES_PASSWORD") /tmp/password
  as "$bin/initdb" -D "$data" -U "$POSTGRES_USER" -A scram-sha-256 --pwfile=/tmp/password >/dev/null
  rm /tmp/password
  as "$bin/pg_ctl" -D "$data" -w -o '-c listen_addresses= -k /tmp' start >/dev/null
  PGPASSWORD=$POSTGRES_PASSWORD "$bin/createdb" -h /tmp -U "$POSTGRES_USER" "$POSTGRES_DB" 2>/dev/null || true
  as "$bin/pg_ctl" -D "$data" -w stop >/dev/null
  echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
fi
exec setpriv --reuid postgres --regid postgres --clear-groups -- "$bin/postgres" -D "$data" -c listen_addresses='*' -k /tmp
END
chmod 755 "$postgres/start"
base_image node:24-bookworm-slim "$node" 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt'
base_image postgres:17-bookworm "$postgres" 'ENTRYPOINT ["/start"]' 'VOLUME /var/lib/postgresql/data'
add_packages postgres:17-bookworm root postgresql
chmod 1777 "$prometheus/prometheus"
base_image prom/prometheus:v3.5.0 "$prometheus" 'ENTRYPOINT ["prometheus"]' 'VOLUME /prometheus'
add_packages prom/prometheus:v3.5.0 nobody prometheus wget
docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' | sed 's/^/          /'

step "building the image of Dockerfile: $image"
docker build --network=host -t "$image" . >"$place/build.log" 2>&1 || { tail -30 "$place/build.log" >&2; exit 1; }
step "$(docker image inspect -f '{{index .RepoTags 0}}: user {{.Config.User}}, {{.Size}} bytes' "$image")"

stop_engine
step "the engine again, in a network of its own"
start_engine unshare --net sh -c 'ip link set lo up && exec "$@"' sh
node scripts/compose-on-host.ts --without grafana >"$place/compose.yaml"
compose config -q

# wait_healthy SERVICE…
wait_healthy() {
  local service state i
  for service in "$@"; do
    for i in $(seq 300); do
      state=$(docker inspect -f '{{.State.Health.Status}}' "$(compose ps -q "$service")" 2>/dev/null || true)
      [ "$state" != healthy ] || break
      sleep 1
    done
    step "$service: ${state:-not there}"
    if [ "$state" != healthy ]; then
      docker inspect -f '{{range .State.Health.Log}}{{.Output}}{{end}}' "$(compose ps -q "$service")" | tail -5 >&2
      exit 1
    fi
  done
}

began=yes
step "compose up: postgres, server"
compose up -d postgres server >/dev/null
wait_healthy postgres server
keruta session create default >/dev/null
KERUTA_AGENT_TOKEN=$(keruta token create --scope session --session default)
KERUTA_METRICS_TOKEN=$(keruta token create --scope read-only)
step "compose up: agent, prometheus"
compose up -d agent prometheus >/dev/null
wait_healthy agent prometheus

step "a task"
task=$(keruta task add --session default --name check -c 'id -un; git --version; echo "agent of $KERUTA_SESSION_ID"')
for i in $(seq 60); do
  status=$(keruta task show "$task" --json | node -p 'JSON.parse(require("fs").readFileSync(0)).status')
  case $status in COMPLETED | FAILED | CANCELLED) break ;; esac
  sleep 1
done
keruta task logs "$task" | sed 's/^/          /'
step "task: $status"
[ "$status" = COMPLETED ]

for i in $(seq 60); do
  up=$(compose exec -T prometheus wget -qO- 'http://127.0.0.1:9090/api/v1/query?query=up' |
    node -p 'JSON.parse(require("fs").readFileSync(0)).data.result.map((r) => r.value[1]).join()' || true)
  [ "$up" != 1 ] || break
  sleep 1
done
step "Prometheus: up is ${up:-not known}"
[ "$up" = 1 ]
compose ps
