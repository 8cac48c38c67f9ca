#!/bin/sh
# Everything about the extension that needs no window: locked dependencies, types, lint, unit tests, the bundle's size.
# Where `install_vscode.sh` has not run it says so and is content, unless CODEMENTOR_EDITORS=required.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(sh "$here/install_vscode.sh" --where)
if [ ! -f "$folder/complete" ]; then
  echo 'VS Code extension: not checked, its tools are not installed. Try: make vscode' >&2
  [ "${CODEMENTOR_EDITORS:-}" != required ]
  exit
fi
PATH=$folder/bin:$PATH
export PATH
cd "$here/.."
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi
npm run --silent types
npm run --silent lint
npm run --silent test
npm run --silent build
