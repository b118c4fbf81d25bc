# Sourced by test.sh: a real PostgreSQL of its own, in a temporary directory, on a free port, stopped at the end.
# Sets KERUTA_TEST_POSTGRES_URL. start_postgres / stop_postgres.

find_postgres() {
  local bin
  for bin in /usr/lib/postgresql/*/bin /usr/local/pgsql/bin /opt/homebrew/opt/postgresql*/bin; do
    if [ -x "$bin/initdb" ]; then
      echo "$bin"
      return
    fi
  done
  command -v initdb >/dev/null && dirname "$(command -v initdb)"
}

install_postgres() {
  [ -n "$(find_postgres)" ] && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "test.sh: expected a PostgreSQL server (initdb), found none; install the package postgresql and run this again"
    exit 2
  fi
  say "installing PostgreSQL …"
  # Debian's package would start a cluster of its own; we want only the programs.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; } >/dev/null 2>&1 || {
    say "test.sh: apt-get could not install postgresql"
    exit 1
  }
}

start_postgres() {
  install_postgres
  local bin port
  bin=$(find_postgres)
  pg_dir=$(mktemp -d)
  port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
  as_pg=()
  if [ "$(id -u)" = 0 ]; then
    chown postgres "$pg_dir"
    as_pg=(setpriv --reuid postgres --regid postgres --clear-groups --)
  fi
  pg_ctl=$bin/pg_ctl
  (
    cd "$pg_dir"
    "${as_pg[@]}" "$bin/initdb" -D "$pg_dir/data" -A trust -U keruta -E UTF8 --no-locale >"/dev/null"
    "${as_pg[@]}" "$pg_ctl" -D "$pg_dir/data" -s -w -l "$pg_dir/log" \
      -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$pg_dir -c max_connections=200" start
  )
  export KERUTA_TEST_POSTGRES_URL="postgres://keruta@127.0.0.1:$port/postgres"
}

stop_postgres() {
  [ -n "${pg_dir:-}" ] || return 0
  (cd / && "${as_pg[@]}" "$pg_ctl" -D "$pg_dir/data" -s -m immediate stop) || true
  rm -rf "$pg_dir"
}
