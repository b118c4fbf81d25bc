#!/usr/bin/env bash
# Builds keruta and shows its main job: a server, an agent, a session with a Git repository, three tasks.
#   scripts/quickstart.sh [--keep] [REPOSITORY-URL]
set -euo pipefail
source "$(dirname "$0")/ensure.sh"
"$ROOT/scripts/build.sh" --if-needed
exec node "$ROOT/scripts/quickstart.ts" "$@"
