#!/usr/bin/env bash
# Runs every check, and installs what it needs: format, lint, types, dependencies, architecture, unit and contract tests (both stores),
# coverage, end-to-end tests with the built executable, a selection of the fault rows. Ends with the line "N passed, N failed".
set -uo pipefail
source "$(dirname "$0")/ensure.sh"
source "$ROOT/scripts/postgres.sh"
source "$ROOT/scripts/dovecot.sh"
source "$ROOT/scripts/promtool.sh"
source "$ROOT/scripts/docker-engine.sh"
source "$ROOT/scripts/fault-tools.sh"

reports=$(mktemp -d)
trap 'stop_docker; stop_dovecot; stop_postgres; rm -rf "$reports"' EXIT
passed=0 failed=0

check() { # check NAME COMMAND…: one check that passes or fails as a whole
  local name=$1 started=$SECONDS
  shift
  if "$@" >"$reports/out" 2>&1; then
    passed=$((passed + 1))
    echo "ok    $name ($((SECONDS - started)) s)"
  else
    failed=$((failed + 1))
    echo "FAIL  $name"
    cat "$reports/out"
  fi
}

suite() { # suite NAME VITEST-ARGUMENTS…: counts every test in it
  local name=$1 started=$SECONDS status
  shift
  vitest run "$@" --reporter=default --reporter=json --outputFile.json="$reports/$name.json" >"$reports/out" 2>&1
  status=$?
  local counts good bad
  counts=$(node scripts/test-report.ts "$reports/$name.json" 2>"$reports/failures") || counts="0 1"
  read -r good bad <<<"$counts"
  if [ $status != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  passed=$((passed + good))
  failed=$((failed + bad))
  if [ $status != 0 ]; then
    echo "FAIL  $name: $bad failed, $good passed"
    cat "$reports/failures"
    echo "--- the end of what it printed"
    grep -v '✓' "$reports/out" | tail -n 60
  else
    echo "ok    $name: $good passed ($((SECONDS - started)) s)"
    grep -E '^(Lines|Statements|Branches|Functions) ' "$reports/out" | sed 's/^/      /'
  fi
}

check "format and lint" biome ci --colors=off .
check "types" tsc --noEmit
check "dependencies" node scripts/dependencies.ts
start_postgres && echo "ok    PostgreSQL at $KERUTA_TEST_POSTGRES_URL"
start_dovecot && echo "ok    Dovecot at $KERUTA_TEST_IMAP_URL"
ensure_promtool && echo "ok    promtool at $KERUTA_TEST_PROMTOOL"
ensure_fault_tools
start_docker && echo "ok    a container engine at $KERUTA_TEST_DOCKER_HOST"
suite tests --project unit --project contract --coverage --coverage.thresholds.lines=80
check "build" ./scripts/build.sh --if-needed
check "build again, byte by byte" ./scripts/rebuild.sh
suite end-to-end --project e2e
check "build for fault tests" ./scripts/build.sh --if-needed --faults
# A selection; the rest of the rows takes its time in `npm run faults`.
suite faults --project faults test/faults/agent test/faults/artifacts test/faults/auto-fix test/faults/git test/faults/network \
  test/faults/server-life test/faults/server-stop test/faults/postgres-life test/faults/upgrade test/faults/email

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
