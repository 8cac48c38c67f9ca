// What several people with the JavaScript Yjs send to a server that passes on all of it, as lines on standard output.
//
//     node traffic.mjs SEED WRITERS STEPS < the document's beginning, as base64
//
// Each line is [client id, whether it answers a state vector, update in base64], in the order in which the server gets
// them; the last line is the text of every file. Writers hold messages back both ways, go offline, undo and redo, paste,
// delete across what others wrote, and edit two files in one transaction; every other one does not collect garbage.

import { readFileSync } from 'node:fs'
import * as Y from 'yjs'
import { border, chanceOf, typed } from './chance.mjs'

const [seed, writers, steps] = process.argv.slice(2).map(Number)
const chance = chanceOf(seed)
const start = Buffer.from(readFileSync(0, 'latin1'), 'base64')
const server = new Y.Doc()
Y.applyUpdate(server, start)

class Writer {
  constructor(number) {
    this.doc = new Y.Doc({ gc: number % 2 === 0 })
    this.doc.clientID = 10 + chance.below(2 ** 31)
    Y.applyUpdate(this.doc, start)
    this.texts = [...this.doc.getMap('files').values()]
    this.undo = new Y.UndoManager(this.texts, { captureTimeout: 0 })
    this.outbox = []
    this.inbox = []
    this.online = true
    this.doc.on('update', (update, origin) => {
      if (origin !== 'server' && this.online) this.outbox.push(update)
    })
  }

  edit() {
    const kind = chance.draw()
    if (kind < 0.12) this.undo.undo()
    else if (kind < 0.18) this.undo.redo()
    else if (kind < 0.3) this.doc.transact(() => this.texts.forEach((text) => edit(text)))
    else edit(chance.pick(this.texts))
  }

  deliver() {
    if (this.outbox.length > 0) send(this, this.outbox.shift(), false)
  }

  read() {
    if (this.inbox.length > 0) Y.applyUpdate(this.doc, this.inbox.shift(), 'server')
  }

  goOffline() {
    this.online = false
    this.outbox = []
    this.inbox = []
  }

  comeBack() {
    this.online = true
    Y.applyUpdate(this.doc, Y.encodeStateAsUpdate(server, Y.encodeStateVector(this.doc)), 'server')
    send(this, Y.encodeStateAsUpdate(this.doc, Y.encodeStateVector(server)), true)
  }
}

function edit(text) {
  const content = text.toString()
  const at = border(content, chance.below(content.length + 1))
  const kind = chance.draw()
  if (kind < 0.45) text.insert(at, typed(chance, 3))
  else if (kind < 0.5) text.insert(at, typed(chance, 4_000))
  else {
    const long = kind < 0.55 ? content.length : 8
    const end = border(content, Math.min(content.length, at + chance.below(long + 1)))
    if (end > at) text.delete(at, end - at)
    if (kind > 0.85) text.insert(at, typed(chance, 8))
  }
}

function send(sender, update, isAnswer) {
  process.stdout.write(`${JSON.stringify([sender.doc.clientID, isAnswer, Buffer.from(update).toString('base64')])}\n`)
  Y.applyUpdate(server, update)
  for (const other of people) if (other !== sender && other.online) other.inbox.push(update)
}

const people = Array.from({ length: writers }, (_, number) => new Writer(number))
for (let step = 0; step < steps; step++) {
  const writer = chance.pick(people)
  const act = chance.draw()
  if (act < 0.5) writer.edit()
  else if (!writer.online) chance.draw() < 0.1 && writer.comeBack()
  else if (act < 0.75) writer.deliver()
  else if (act < 0.99) writer.read()
  else writer.goOffline()
}
for (const writer of people) {
  while (writer.outbox.length > 0) writer.deliver()
  if (!writer.online) writer.comeBack()
}
for (const writer of people) while (writer.inbox.length > 0) writer.read()
const texts = people.map(({ doc }) => JSON.stringify(doc.getMap('files').toJSON()))
if (new Set(texts).size > 1) throw new Error('the writers differ among themselves')
process.stdout.write(`${texts[0]}\n`)
