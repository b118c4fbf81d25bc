#!/usr/bin/env bash
# Runs every fault row with all its rounds, and prints what each measured. See docs/reliability.md.
#   scripts/faults.sh [--short] [--workers N] [--table FILE] [FILE…]
set -uo pipefail
source "$(dirname "$0")/ensure.sh"
source "$ROOT/scripts/postgres.sh"
source "$ROOT/scripts/dovecot.sh"
source "$ROOT/scripts/fault-tools.sh"
trap 'stop_dovecot; stop_postgres' EXIT
ensure_fault_tools
start_postgres
start_dovecot
./scripts/build.sh --if-needed --faults || exit 1
node scripts/faults.ts "$@"
