#!/bin/sh
# Installs the locked JavaScript Yjs client for the tests; at once when nothing changed. Needs a Node with npm.
# Without one it says so and is content, unless CODEMENTOR_EDITORS=required.
set -eu
packages=$(cd "$(dirname "$0")" && pwd)
here=$packages/../../editor-clients/vscode/test
. "$here/tools.sh"
if ! command -v npm > /dev/null; then
  echo 'JavaScript Yjs client: not installed, there is no npm. Try: make vscode' >&2
  [ "${CODEMENTOR_EDITORS:-}" != required ]
  exit
fi
cd "$packages"
install_dependencies
