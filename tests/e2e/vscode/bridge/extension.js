// For tests only. Listens on the socket that CODEMENTOR_TEST_BRIDGE names; each line is {number, body}, and `body` runs as
// the body of an async function that has `vscode` and `kept`, an object that stays from one to the next.
const net = require('node:net');
const readline = require('node:readline');
const vscode = require('vscode');
const memory = require('./memory.js');

const AsyncFunction = (async () => {}).constructor;

exports.activate = (context) => {
  const place = process.env.CODEMENTOR_TEST_BRIDGE;
  if (place === undefined) return;
  const kept = {};
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    readline.createInterface({ input: socket }).on('line', async (line) => {
      const { number, body } = JSON.parse(line);
      const answer = await new AsyncFunction('vscode', 'kept', body)(vscode, kept).then(
        (value) => ({ number, value: value ?? null }),
        (error) => ({ number, error: String(error?.stack ?? error) }),
      );
      socket.write(`${JSON.stringify(answer)}\n`);
    });
  });
  require('node:fs').rmSync(place, { force: true });
  server.listen(place);
  context.subscriptions.push({ dispose: () => server.close() }, memory.register());
};
