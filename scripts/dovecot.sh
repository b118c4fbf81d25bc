# Sourced by test.sh: a real Dovecot of its own, in a temporary directory, on a free port, stopped at the end. Every user there
# is has the password "secret" and a Maildir of its own below KERUTA_TEST_IMAP_DIR.
# Sets KERUTA_TEST_IMAP_URL and KERUTA_TEST_IMAP_DIR. start_dovecot / stop_dovecot.
source "$ROOT/scripts/debian.sh"

start_dovecot() {
  [ -x /usr/sbin/dovecot ] || install_debian 'a Dovecot (/usr/sbin/dovecot)' dovecot-imapd
  local port user group internal=dovecot login=dovenull
  dovecot_dir=$(mktemp -d)
  chmod 755 "$dovecot_dir"
  port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
  user=$(id -un) group=$(id -gn)
  if [ "$(id -u)" = 0 ]; then
    # mail of root is nothing that Dovecot touches
    user=nobody group=nogroup
  else
    internal=$user login=$user
  fi
  mkdir "$dovecot_dir/mail" "$dovecot_dir/run"
  [ "$(id -u)" != 0 ] || chown "$user:$group" "$dovecot_dir/mail"
  cat >"$dovecot_dir/dovecot.conf" <<CONF
base_dir = $dovecot_dir/run
state_dir = $dovecot_dir/run
log_path = $dovecot_dir/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = $internal
default_internal_group = $(id -gn "$internal")
default_login_user = $login
mail_uid = $user
mail_gid = $group
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:$dovecot_dir/mail/%u
mail_max_userip_connections = 200
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = home=$dovecot_dir/mail/%u
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $port
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
CONF
  /usr/sbin/dovecot -c "$dovecot_dir/dovecot.conf" || {
    say "test.sh: Dovecot did not start"
    cat "$dovecot_dir/log" >&2
    exit 1
  }
  export KERUTA_TEST_IMAP_URL="imap://127.0.0.1:$port" KERUTA_TEST_IMAP_DIR="$dovecot_dir/mail"
}

stop_dovecot() {
  [ -n "${dovecot_dir:-}" ] || return 0
  /usr/bin/doveadm -c "$dovecot_dir/dovecot.conf" stop >/dev/null 2>&1 || kill "$(cat "$dovecot_dir/run/master.pid")" 2>/dev/null || true
  rm -rf "$dovecot_dir"
}
