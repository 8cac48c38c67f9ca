// A person with the JavaScript Yjs and the y-websocket provider as it comes, on a real socket; driven over pipes.
//
//     node provider.mjs SERVER_URL TOKEN [header]
//
// The token goes into the address, as from a browser; with `header` into the Authorization header, and the document
// takes the client id that the server assigns. In: a line of JSON with {do: connect | disconnect | insert | delete | undo | redo |
// point}. Out: {text, clientId, connected, closed, synced, others, messages}, whenever something of it changed.

import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

const PATH = 'a.py'
const [url, token, how] = process.argv.slice(2)
const doc = new Y.Doc()
const files = doc.getMap('files')
let undo = null
let closed = []
let messages = 0

class Socket extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, how === 'header' ? { headers: { Authorization: `Bearer ${token}` } } : {})
    this.on('message', () => messages++)
    if (how === 'header') {
      this.on('upgrade', ({ headers }) => writeUnder(Number(headers['codementor-yjs-client'])))
    }
  }
}

// Before the first edit; the provider asks for the same id when it comes back.
function writeUnder(client) {
  if (client === doc.clientID) return
  const { awareness } = provider
  awareness.setLocalState(null)
  doc.clientID = awareness.clientID = client
  awareness.setLocalState({})
  provider.params = { client: String(client) }
}

const place = new URL(url)
const room = place.pathname.split('/').pop()
const provider = new WebsocketProvider(url.slice(0, -room.length - 1), room, doc, {
  WebSocketPolyfill: Socket,
  disableBc: true,
  params: how === 'header' ? {} : { token },
})

const text = () => files.get(PATH)

const commands = {
  connect: () => provider.connect(),
  disconnect: () => provider.disconnect(),
  insert: ({ at, text: typed }) => text().insert(at, typed),
  delete: ({ at, length }) => text().delete(at, length),
  undo: () => undo.undo(),
  redo: () => undo.redo(),
  point: ({ at }) => {
    const position = Y.createRelativePositionFromTypeIndex(text(), at)
    provider.awareness.setLocalStateField('cursor', { path: PATH, anchor: position, head: position })
  },
}

let said = ''

function say() {
  if (text() !== undefined && undo === null) undo = new Y.UndoManager(text(), { captureTimeout: 0 })
  const others = [...provider.awareness.getStates()].filter(([client]) => client !== doc.clientID)
  const now = JSON.stringify({
    text: text()?.toString() ?? null,
    clientId: doc.clientID,
    connected: provider.wsconnected,
    synced: provider.synced,
    closed,
    others: others.map(([client, state]) => ({ client, ...state })),
    messages,
  })
  if (now !== said) process.stdout.write(`${now}\n`)
  said = now
}

provider.on('connection-close', (event) => closed.push(event?.code ?? 0))
for (const event of ['status', 'sync', 'connection-close']) provider.on(event, () => queueMicrotask(say))
for (const event of ['update', 'change']) provider.awareness.on(event, () => queueMicrotask(say))
doc.on('update', () => queueMicrotask(say))
say()

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  commands[command.do](command)
  say()
}
process.exit(0)
