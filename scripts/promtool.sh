# Sourced by test.sh: Prometheus' own checker, promtool, from Debian's package prometheus. No server is started.
# Sets KERUTA_TEST_PROMTOOL to the program. ensure_promtool.
source "$ROOT/scripts/debian.sh"

ensure_promtool() {
  KERUTA_TEST_PROMTOOL=$(command -v promtool || true)
  if [ -z "$KERUTA_TEST_PROMTOOL" ]; then
    install_debian promtool prometheus
    KERUTA_TEST_PROMTOOL=$(command -v promtool)
  fi
  export KERUTA_TEST_PROMTOOL
}
