#!/usr/bin/env bash
# Makes dist/keruta for this machine; with --all also the other Linux architecture (built, not run); with --faults instead
# dist/keruta-faults, the build for fault tests.
#   scripts/build.sh [--all] [--if-needed] [--faults]
set -euo pipefail
source "$(dirname "$0")/ensure.sh"

all=0 lazy=0 out=dist/keruta
for word in "$@"; do
  case $word in
  --all) all=1 ;;
  --if-needed) lazy=1 ;;
  --faults) out=dist/keruta-faults ;;
  *) say "build.sh: unknown option $word; expected --all, --if-needed or --faults"; exit 2 ;;
  esac
done

host=$(node -p 'process.platform + "-" + process.arch')
if [ $lazy = 1 ] && [ -x $out ] &&
  [ -z "$(find cmd internal pkg scripts/bundle.ts package-lock.json -newer $out -type f | head -1)" ]; then
  say "$out is up to date"
else
  failpoints=
  [ $out = dist/keruta ] || failpoints=--failpoints
  node scripts/bundle.ts --out $out $failpoints | grep -v '^> ' >&2
fi

if [ $all = 1 ]; then
  case $host in
  linux-x64) other=linux-arm64 ;;
  linux-arm64) other=linux-x64 ;;
  *) say "build.sh: --all is for Linux; made dist/keruta for $host only"; exit 0 ;;
  esac
  version=$(node -p 'process.versions.node')
  fetched=$(mktemp -d)
  trap 'rm -rf "$fetched"' EXIT
  (cd "$fetched" && npm pack --silent "node-$other@$version" >/dev/null && tar -xzf ./*.tgz)
  node scripts/bundle.ts --node "$fetched/package/bin/node" --arch "${other#linux-}" --out "dist/keruta-$other" | grep -v '^> ' >&2
fi
