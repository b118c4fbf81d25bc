# Sourced by test.sh: a real container engine (Debian's docker.io) of its own, in a temporary directory, on a socket there, stopped at
# the end. It touches neither network nor firewall of the machine, and needs root. Its images are made of this machine's programs:
# keruta-test:tools has bash and a few others, keruta-test:bare has no shell, keruta-test:runner has git and what the executable loads.
# Sets KERUTA_TEST_DOCKER_HOST. start_docker / stop_docker; start_docker returns 1 where there cannot be one.
source "$ROOT/scripts/debian.sh"

start_docker() {
  if [ "$(id -u)" != 0 ]; then
    say "skip  a container engine: it needs root; tests of runs in containers are left out"
    return 1
  fi
  if [ ! -x /usr/sbin/dockerd ] && ! (install_debian 'a container engine (/usr/sbin/dockerd)' docker.io); then
    say "skip  a container engine: tests of runs in containers are left out"
    return 1
  fi
  docker_dir=$(mktemp -d)
  run_docker
  if ! docker_answers; then
    tail -n 3 "$docker_dir/log" >&2
    say "skip  a container engine: it does not start here; tests of runs in containers are left out"
    stop_docker
    return 1
  fi
  docker_image keruta-test:tools bash sh cat sleep mkfifo tee env setsid nohup ls id grep head tail rm mkdir dd &&
    docker_image keruta-test:bare cat &&
    docker_image keruta-test:runner bash sh cat sleep env ls rm mkdir sed grep dd setsid git git-upload-pack git-receive-pack "+$(node -p process.execPath)" || {
    say "test.sh: the images of the container engine could not be made"
    exit 1
  }
  export KERUTA_TEST_DOCKER_HOST="unix://$docker_dir/engine.sock"
}

# The engine, in a session of its own: Ctrl-C is for the script that stops it.
run_docker() {
  setsid /usr/sbin/dockerd --storage-driver=vfs --iptables=false --ip6tables=false --bridge=none --data-root="$docker_dir/data" \
    --exec-root="$docker_dir/exec" --pidfile="$docker_dir/pid" -H "unix://$docker_dir/engine.sock" >>"$docker_dir/log" 2>&1 &
  docker_pid=$!
}

docker_answers() {
  local i
  for i in $(seq 120); do
    if /usr/bin/docker -H "unix://$docker_dir/engine.sock" version >/dev/null 2>&1; then return 0; fi
    kill -0 "$docker_pid" 2>/dev/null || return 1
    sleep 0.25
  done
  return 1
}

# docker_image NAME PROGRAM…: makes an image of programs of this machine and the libraries that they load; of +/path the libraries alone
docker_image() {
  local name=$1 root=$docker_dir/root program file library
  shift
  rm -rf "$root"
  mkdir -p "$root/bin" "$root/usr" "$root/tmp" "$root/etc"
  chmod 1777 "$root/tmp"
  ln -s ../bin "$root/usr/bin"
  for program in "$@"; do
    file=${program#+}
    if [ "$file" = "$program" ]; then
      file=$(PATH=/usr/bin:/bin type -P "$program") || continue
      cp -L "$file" "$root/bin/$program"
    fi
    for library in $(ldd "$file" | grep -o '/[^ ]*'); do
      mkdir -p "$root$(dirname "$library")"
      cp -Lu "$library" "$root$library"
    done
  done
  tar -C "$root" -c . | /usr/bin/docker -H "unix://$docker_dir/engine.sock" import --change 'ENV IMAGE_SAYS=hello' - "$name" >/dev/null
  rm -rf "$root"
}

stop_docker() {
  [ -n "${docker_dir:-}" ] || return 0
  kill "$docker_pid" 2>/dev/null || true
  wait "$docker_pid" 2>/dev/null || true
  mount | awk -v p="$docker_dir/" 'index($3, p) == 1 { print $3 }' | sort -r | xargs -r umount -l
  rm -rf "$docker_dir"
  docker_dir=
}
