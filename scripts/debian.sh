# Sourced by the scripts of the servers that tests need: programs from Debian's packages, without the servers that these start.

# can_install_debian: whether packages can be installed here
can_install_debian() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

# install_debian WHAT PACKAGE
install_debian() {
  if ! can_install_debian; then
    say "${0##*/}: expected $1, found none; install the package $2 and run this again"
    exit 2
  fi
  say "installing $2 …"
  local policy=/usr/sbin/policy-rc.d own_policy=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && own_policy=1
  fi
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"; } >/dev/null 2>&1 || {
    say "${0##*/}: apt-get could not install $2"
    exit 1
  }
  [ -z "$own_policy" ] || rm -f $policy
}
