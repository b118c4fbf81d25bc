# Sourced by test.sh: Prometheus' own checker, promtool, from Debian's package prometheus. No server is started.
# Sets KERUTA_TEST_PROMTOOL to the program. ensure_promtool.

ensure_promtool() {
  KERUTA_TEST_PROMTOOL=$(command -v promtool || true)
  if [ -z "$KERUTA_TEST_PROMTOOL" ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
      say "test.sh: expected promtool, found none; install the package prometheus and run this again"
      exit 2
    fi
    say "installing promtool …"
    # the package would start a server of its own; we want only the program
    local policy=/usr/sbin/policy-rc.d own_policy=
    if [ ! -e $policy ]; then
      printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && own_policy=1
    fi
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus; } >/dev/null 2>&1 || {
      say "test.sh: apt-get could not install prometheus"
      exit 1
    }
    [ -z "$own_policy" ] || rm -f $policy
    KERUTA_TEST_PROMTOOL=$(command -v promtool)
  fi
  export KERUTA_TEST_PROMTOOL
}
