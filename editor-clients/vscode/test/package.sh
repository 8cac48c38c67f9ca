#!/bin/sh
# The extension as a file to install: dist/codementor.vsix.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tools.sh"
has_node 22 || exit 3 # what the packager asks for
cd "$here/.."
install_dependencies
npm run --silent package
echo 'Install it with: code --install-extension editor-clients/vscode/dist/codementor.vsix'
