// A workspace that is on no disk: `memory:`, as an extension for a remote repository would bring one.
const vscode = require('vscode');

class Memory {
  #files = new Map();
  #changed = new vscode.EventEmitter();
  onDidChangeFile = this.#changed.event;

  watch() {
    return { dispose: () => undefined };
  }

  stat(uri) {
    const content = this.#files.get(uri.path);
    if (content !== undefined) return { type: vscode.FileType.File, ctime: 0, mtime: 0, size: content.length };
    if (uri.path === '/project') return { type: vscode.FileType.Directory, ctime: 0, mtime: 0, size: 0 };
    throw vscode.FileSystemError.FileNotFound(uri);
  }

  readDirectory() {
    return [...this.#files.keys()].map((path) => [path.split('/').at(-1), vscode.FileType.File]);
  }

  readFile(uri) {
    const content = this.#files.get(uri.path);
    if (content === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    return content;
  }

  writeFile(uri, content) {
    const type = this.#files.has(uri.path) ? vscode.FileChangeType.Changed : vscode.FileChangeType.Created;
    this.#files.set(uri.path, content);
    this.#changed.fire([{ type, uri }]);
  }

  createDirectory() {}

  delete(uri) {
    this.#files.delete(uri.path);
  }

  rename(uri) {
    throw vscode.FileSystemError.NoPermissions(uri);
  }
}

exports.register = () => vscode.workspace.registerFileSystemProvider('memory', new Memory(), { isCaseSensitive: true });
