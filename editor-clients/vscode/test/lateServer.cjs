// A language server that says only later that it answers definitions in shared documents, and then takes it back when it
// is told to, as cm-lsp does in the course of a session.

const wire = require('vscode-languageserver-protocol/node');

const connection = wire.createProtocolConnection(process.stdin, process.stdout);
const registration = {
  id: 'definitions',
  method: 'textDocument/definition',
  registerOptions: { documentSelector: [{ scheme: 'codementor' }] },
};
connection.onRequest('initialize', () => ({
  capabilities: {},
  serverInfo: { name: 'late', version: '1.0.0' },
}));
connection.onNotification('initialized', () =>
  connection.sendRequest('client/registerCapability', { registrations: [registration] }),
);
connection.onRequest('workspace/executeCommand', () =>
  connection.sendRequest('client/unregisterCapability', { unregisterations: [registration] }),
);
connection.onRequest('shutdown', () => null);
connection.onNotification('exit', () => process.exit(0));
connection.listen();
