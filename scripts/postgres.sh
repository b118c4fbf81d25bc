# Sourced by test.sh: a real PostgreSQL of its own, in a temporary directory, on a free port, stopped at the end.
# Sets KERUTA_TEST_POSTGRES_URL. start_postgres / stop_postgres.
source "$ROOT/scripts/debian.sh"

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
  # the package would make a cluster of its own
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  install_debian 'a PostgreSQL server (initdb)' postgresql
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
