#!/usr/bin/env bash
# Builds the image and runs the services of compose.yaml in a real engine, until server and agent are healthy and a task is done.
# Run by hand: it needs root, Debian, the network and a quarter of an hour. Everything that it started or made is gone afterwards.
#   scripts/containers.sh [--base ROOT.tar]     ROOT.tar: what debootstrap made before, to be quicker
# No hub is asked. What base images hold comes from Debian: they are made here and given the names that the files ask for. The services
# run in a network of their own, in which no port of this machine is taken. There is no package of Grafana: it is left out.
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
engine= began=
export DOCKER_HOST=unix://$place/engine.sock COMPOSE_PROJECT_NAME=keruta-check COMPOSE_HTTP_TIMEOUT=300
export POSTGRES_PASSWORD=check GRAFANA_PASSWORD=check KERUTA_AGENT_TOKEN= KERUTA_METRICS_TOKEN=
compose() { docker-compose -f "$place/compose.yaml" "$@" 2>>"$place/compose.log"; }
keruta() { compose exec -T server keruta "$@"; }

# start_engine WORD…: starts the engine behind these words
start_engine() {
  "$@" dockerd --storage-driver=vfs --iptables=false --ip6tables=false --bridge=none --data-root="$place/data" \
    --exec-root="$place/exec" --pidfile="$place/engine.pid" -H "$DOCKER_HOST" >>"$place/engine.log" 2>&1 &
  local i
  for i in $(seq 120); do
    engine=$(cat "$place/engine.pid" 2>/dev/null || true)
    if [ -n "$engine" ] && /usr/bin/docker version >/dev/null 2>&1; then return; fi
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
  if [ $status != 0 ]; then
    tail -5 "$place/compose.log" 2>/dev/null >&2 || true
    [ -z "$began" ] || compose logs --no-color --tail=20 >&2 || true
  fi
  [ -z "$began" ] || compose down -v --remove-orphans >/dev/null || true
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
docker() { /usr/bin/docker "$@"; }
docker import "$base" debian:bookworm-slim >/dev/null

# stand_in NAME DIRECTORY: makes a base image out of a directory with a Dockerfile
stand_in() {
  step "base image $1"
  docker build -q --network=host -t "$1" "$2" >/dev/null
}
mkdir "$place/node" "$place/postgres" "$place/prometheus"
cp "$(node -p 'process.execPath')" "$place/node/node"
cp -rL "$(dirname "$(dirname "$(realpath "$(type -P npm)")")")" "$place/node/npm"
# the certificates that this machine trusts
cp /etc/ssl/certs/ca-certificates.crt "$place/node/ca.crt"
cat >"$place/node/Dockerfile" <<'END'
FROM debian:bookworm-slim
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
END
cat >"$place/postgres/start" <<'END'
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
chmod 755 "$place/postgres/start"
cat >"$place/postgres/Dockerfile" <<'END'
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends postgresql && mkdir -p /var/lib/postgresql/data
COPY start /start
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["/start"]
END
cat >"$place/prometheus/Dockerfile" <<'END'
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends prometheus wget && install -d -o nobody -g nogroup /prometheus
USER nobody
VOLUME /prometheus
ENTRYPOINT ["prometheus"]
END
stand_in node:24-bookworm-slim "$place/node"
stand_in postgres:17-bookworm "$place/postgres"
stand_in prom/prometheus:v3.5.0 "$place/prometheus"

step "building the image of Dockerfile"
docker build --network=host -t keruta:latest . >"$place/build.log" 2>&1 || { tail -30 "$place/build.log" >&2; exit 1; }
step "$(docker image inspect -f 'image keruta:latest, user {{.Config.User}}' keruta:latest)"

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

up=$(compose exec -T prometheus wget -qO- 'http://127.0.0.1:9090/api/v1/query?query=up' || true)
step "Prometheus: up is $(printf %s "$up" | node -p 'JSON.parse(require("fs").readFileSync(0)).data.result.map((r) => r.value[1]).join() || "not known yet"')"
compose ps
