// Serves documents with one of the peers on a free port of 127.0.0.1 and prints the port: node server.mjs NAME
import { createRequire } from 'node:module'
import http from 'node:http'

const require = createRequire(import.meta.url)
const name = process.argv[2]

function yWebsocket() {
  const WebSocket = require('ws')
  const { setupWSConnection } = require('./node_modules/y-websocket/bin/utils.cjs')
  const sockets = new WebSocket.Server({ noServer: true })
  sockets.on('connection', setupWSConnection)
  const server = http.createServer()
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (one) => sockets.emit('connection', one, request))
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
}

async function hocuspocus() {
  const { Server } = await import('@hocuspocus/server')
  // Nothing is stored and nobody is refused: the least it can do.
  const server = new Server({ port: 0, address: '127.0.0.1', quiet: true, stopOnSignals: false })
  await server.listen()
  console.log(server.address.port)
}

await { 'y-websocket': yWebsocket, hocuspocus }[name]()
