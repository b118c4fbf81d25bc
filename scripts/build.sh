#!/usr/bin/env bash
# Makes dist/keruta for this machine, beside it dist/keruta.sbom.json (what it is made of) and dist/SHA256SUMS; with --all also
# the other Linux architecture (built, not run); with --library also dist/keruta-VERSION.tgz, the npm package of the library;
# with --faults instead dist/keruta-faults, the build for fault tests.
#   scripts/build.sh [--all] [--library] [--if-needed] [--faults]
set -euo pipefail
source "$(dirname "$0")/ensure.sh"

all=0 lazy=0 library=0 other= out=dist/keruta
for word in "$@"; do
  case $word in
  --all) all=1 ;;
  --library) library=1 ;;
  --if-needed) lazy=1 ;;
  --faults) out=dist/keruta-faults ;;
  *) say "build.sh: unknown option $word; expected --all, --library, --if-needed or --faults"; exit 2 ;;
  esac
done

host=$(node -p 'process.platform + "-" + process.arch')
made_by="scripts/bundle.ts scripts/code-cache.ts scripts/build-library.ts scripts/sbom.ts scripts/lock-file.ts scripts/string-width.cjs package.json package-lock.json"
if [ $lazy = 1 ] && [ -x $out ] && [ -f $out.sbom.json ] &&
  [ -z "$(find cmd internal pkg lib/src $made_by -newer $out -type f | head -1)" ]; then
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
  *) say "build.sh: --all is for Linux; made dist/keruta for $host only" ;;
  esac
fi
if [ -n "$other" ]; then
  version=$(node -p 'process.versions.node')
  fetched=$(mktemp -d)
  trap 'rm -rf "$fetched"' EXIT
  (cd "$fetched" && npm pack --silent "node-$other@$version" >/dev/null)
  got=sha512-$(node -p 'crypto.hash("sha512", fs.readFileSync(process.argv[1]), "base64")' "$fetched"/*.tgz)
  wanted=$(node -p 'require("./package-lock.json").packages[`node_modules/node-${process.argv[1]}`].integrity' "$other")
  [ "$got" = "$wanted" ] || { say "build.sh: node-$other@$version is $got; expected $wanted, as locked"; exit 1; }
  tar -xzf "$fetched"/*.tgz -C "$fetched"
  node scripts/bundle.ts --node "$fetched/package/bin/node" --arch "${other#linux-}" --out "dist/keruta-$other" | grep -v '^> ' >&2
fi

[ $library = 0 ] || node scripts/library.ts --pack dist >&2

node scripts/checksums.ts
