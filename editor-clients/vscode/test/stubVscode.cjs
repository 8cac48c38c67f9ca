// As much of the module `vscode` as the language client library looks at. What is a list, a value or a class there is one
// here; everything else can be called, made and asked for more of, and does nothing.

const { EventEmitter: Emitter } = require('node:events');

const nothing = () =>
  new Proxy(function () {}, {
    get: (target, name) => {
      if (name === 'prototype') return target.prototype;
      if (name === 'then' || typeof name === 'symbol') return undefined;
      return nothing();
    },
    apply: () => nothing(),
    construct: () => ({}),
  });

const lenient = (known) =>
  new Proxy(known, { get: (target, name) => (name in target ? target[name] : nothing()) });

class EventEmitter {
  #emitter = new Emitter();
  event = (listener, self) => {
    const heard = (value) => listener.call(self, value);
    this.#emitter.on('event', heard);
    return { dispose: () => this.#emitter.off('event', heard) };
  };
  fire(value) {
    this.#emitter.emit('event', value);
  }
  dispose() {
    this.#emitter.removeAllListeners();
  }
}

class CancellationTokenSource {
  token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose() {} }) };
  cancel() {}
  dispose() {}
}

class Disposable {
  #run;
  constructor(run) {
    this.#run = run;
  }
  dispose() {
    this.#run();
  }
}

const registered = [];
const registering = (what) => (selector) => {
  registered.push({ what, selector });
  return new Disposable(() => registered.push({ what: `no ${what}`, selector }));
};

module.exports = lenient({
  EventEmitter,
  CancellationTokenSource,
  Disposable,
  registered,
  version: '1.91.0',
  env: lenient({ appName: 'a test', language: 'en' }),
  workspace: lenient({
    textDocuments: [],
    workspaceFolders: undefined,
    notebookDocuments: [],
    getConfiguration: () => ({ get: (_name, otherwise) => otherwise }),
  }),
  window: lenient({
    activeTextEditor: undefined,
    visibleTextEditors: [],
    tabGroups: lenient({ all: [] }),
    showInformationMessage: async () => undefined,
    showWarningMessage: async () => undefined,
    showErrorMessage: async () => undefined,
  }),
  languages: lenient({
    match: () => 1,
    registerHoverProvider: registering('hover'),
    registerDefinitionProvider: registering('definition'),
    registerCodeActionsProvider: registering('codeAction'),
  }),
});
