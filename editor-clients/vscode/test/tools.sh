# Sourced, with $here the folder it is in: puts the Node of `make vscode` first on PATH where that is installed, and
# installs the extension's locked dependencies where they are not.

folder=$(sh "$here/install_vscode.sh" --where)
if [ -f "$folder/complete" ]; then
  PATH=$folder/bin:$PATH
  export PATH
fi

# Whether there is a Node of at least that major version; else says what there is.
has_node() {
  version=$(node --version 2> /dev/null) || version=none
  major=${version#v}
  major=${major%%.*}
  [ "$version" != none ] && [ "$major" -ge "$1" ] && return
  echo "VS Code extension: Node $1 or later is needed; here is: $version. Try: make vscode" >&2
  return 1
}

install_dependencies() {
  if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  fi
}
