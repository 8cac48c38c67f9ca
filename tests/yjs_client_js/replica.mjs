// One person's document in the JavaScript Yjs, driven over pipes: a line of JSON in, a line of JSON out.
//
//     node replica.mjs CLIENT_ID
//
// In: {connect}, {disconnect}, {frame: base64}, {act: {what, place, size, text}} or {read}. Out: {frames, removed, text}; `frames`
// is what the standard wire would carry to the server. Nothing here has a clock, so a plan's run can be repeated.

import { createInterface } from 'node:readline'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as sync from 'y-protocols/sync'
import * as Y from 'yjs'

const SYNC = 0
const PATH = 'a.py'

const doc = new Y.Doc()
doc.clientID = Number(process.argv[2])
let isConnected = false
let frames = []
let undo = null

doc.on('update', (update, origin) => {
  if (origin !== 'server' && isConnected) put((encoder) => sync.writeUpdate(encoder, update))
})

function put(write) {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, SYNC)
  write(encoder)
  if (encoding.length(encoder) > 1) frames.push(Buffer.from(encoding.toUint8Array(encoder)).toString('base64'))
}

function shared() {
  const text = doc.getMap('files').get(PATH)
  if (text !== undefined && undo === null) undo = new Y.UndoManager(text, { captureTimeout: 0 })
  return text
}

function receive(frame) {
  const decoder = decoding.createDecoder(Buffer.from(frame, 'base64'))
  if (decoding.readVarUint(decoder) !== SYNC) return
  put((encoder) => sync.readSyncMessage(decoder, encoder, doc, 'server'))
}

// Counted in characters, as the plans are; Yjs counts UTF-16 units.
function act({ what, place, size, text }) {
  const file = shared()
  if (file === undefined) return ''
  if (what === 'undo' || what === 'redo') undo[what]()
  if (!['type', 'delete', 'replace'].includes(what)) return ''
  const letters = [...file.toString()]
  const at = Math.floor((letters.length * place) / 1000)
  const start = letters.slice(0, at).join('').length
  const removed = letters.slice(at, at + size).join('')
  doc.transact(() => {
    if (removed !== '') file.delete(start, removed.length)
    if (text !== '') file.insert(start, text)
  })
  return removed
}

function carryOut(command) {
  let removed = ''
  if ('connect' in command) {
    isConnected = true
    put((encoder) => sync.writeSyncStep1(encoder, doc))
  } else if ('disconnect' in command) isConnected = false
  else if ('frame' in command) receive(command.frame)
  else if ('act' in command) removed = act(command.act)
  const answer = { frames, removed, text: 'read' in command ? (shared()?.toString() ?? null) : null }
  frames = []
  return answer
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(carryOut(JSON.parse(line)))}\n`)
}
