#!/bin/sh
# Everything about the extension that needs no window: locked dependencies, types, lint, unit tests, the bundle's size.
# Without a Node for it, it says so and is content, unless CODEMENTOR_EDITORS=required.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tools.sh"
if ! has_node 24; then # the tests are TypeScript, run as it is
  echo 'VS Code extension: not checked.' >&2
  [ "${CODEMENTOR_EDITORS:-}" != required ]
  exit
fi
cd "$here/.."
install_dependencies
npm run --silent types
npm run --silent lint
npm run --silent test
npm run --silent build
