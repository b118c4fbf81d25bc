#!/usr/bin/env bash
# Builds a second time, elsewhere, and compares with dist/keruta and its list of parts: the same sources give the same bytes.
# On a Mac the packager writes names of temporary files into the executable, and signs it: not promised there.
set -euo pipefail
source "$(dirname "$0")/ensure.sh"

if [ "$(uname -s)" != Linux ]; then
  say "rebuild.sh: skipped, since only builds on Linux are the same each time"
  exit 0
fi
./scripts/build.sh --if-needed
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
HOME=$again TZ=Pacific/Chatham node scripts/bundle.ts --out "$again/keruta" >&2
for file in keruta keruta.sbom.json; do
  cmp "dist/$file" "$again/$file" || {
    say "rebuild.sh: expected dist/$file to be the same when it is built again; is dist/keruta of these sources? (scripts/build.sh)"
    exit 1
  }
done
(cd dist && grep -E '  keruta(\.sbom\.json)?$' SHA256SUMS) >&2
