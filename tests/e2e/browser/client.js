// A person in a browser. The document goes over the standard y-websocket provider; the rest over the control channel.
// `window.codementor` is what the buttons of a real page would call; what is seen stands in the page.

import * as Y from 'yjs';
import { WebsocketProvider } from 'y-websocket';

const place = (id) => document.getElementById(id);
const area = place('text');

/** A token never goes into an address; a ticket, which works once, does. */
async function ticket(token) {
  const answer = await fetch('/api/v1/tickets', {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Idempotency-Key': crypto.randomUUID() },
  });
  if (!answer.ok) throw new Error(`no ticket: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).token;
}

class Control {
  #waiting = new Map();
  #socket;

  constructor(onFact) {
    this.onFact = onFact;
  }

  async connect(token) {
    this.#socket = new WebSocket(`ws://${location.host}/api/v1/events?token=${await ticket(token)}`);
    this.#socket.onmessage = (message) => this.#take(JSON.parse(message.data));
    await new Promise((open, fail) => {
      this.#socket.onopen = open;
      this.#socket.onerror = () => fail(new Error('the control channel refused us'));
    });
    const welcome = await this.send('Hello', { protocol: 1, client: 'browser' });
    let number = 0;
    setInterval(() => this.send('Heartbeat', { number: ++number }), welcome.heartbeat_ms);
    return welcome;
  }

  send(type, members = {}) {
    const id = crypto.randomUUID();
    this.#socket.send(JSON.stringify({ id, command: { type, ...members } }));
    return new Promise((done, fail) => this.#waiting.set(id, { done, fail }));
  }

  #take(frame) {
    if (frame.frame === 'Happened') return this.onFact(frame.fact);
    const { done, fail } = this.#waiting.get(frame.re);
    this.#waiting.delete(frame.re);
    if (frame.frame === 'Answered') done(frame.result);
    else fail(new Error(frame.fault.message));
  }
}

/** Keeps the text area and one shared text equal, whoever types. Both count UTF-16 units. */
class Binding {
  constructor(text, path, awareness) {
    Object.assign(this, { text, path, awareness });
    area.value = text.toString();
    area.disabled = false;
    area.addEventListener('input', () => this.#typed());
    for (const moved of ['keyup', 'click', 'input']) area.addEventListener(moved, () => this.showCursor());
    text.observe((event) => event.transaction.local || this.#heard(event.delta));
  }

  #typed() {
    const before = this.text.toString();
    const after = area.value;
    let start = 0;
    while (start < before.length && before[start] === after[start]) start++;
    let end = 0;
    const most = Math.min(before.length, after.length) - start;
    while (end < most && before.at(-1 - end) === after.at(-1 - end)) end++;
    this.text.doc.transact(() => {
      this.text.delete(start, before.length - start - end);
      this.text.insert(start, after.slice(start, after.length - end));
    });
  }

  /** What others typed goes in around the caret, as an editor does it. */
  #heard(delta) {
    let at = 0;
    for (const { retain, insert, delete: removed } of delta) {
      if (retain) at += retain;
      else if (insert) {
        area.setRangeText(insert, at, at, 'preserve');
        at += insert.length;
      } else area.setRangeText('', at, at + removed, 'preserve');
    }
  }

  showCursor() {
    const at = (index) => Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(this.text, index));
    const cursor = { path: this.path, anchor: at(area.selectionStart), head: at(area.selectionEnd) };
    this.awareness.setLocalState({ cursor });
  }
}

class Person {
  constructor() {
    this.control = new Control((fact) => this.#happened(fact));
    this.session = null;
    this.binding = null;
  }

  async connect(token) {
    this.token = token;
    const welcome = await this.control.connect(token);
    place('state').textContent = `connected as ${welcome.name}`;
  }

  /** Commands of a session, by the name they have on the wire. */
  command(type, members = {}) {
    return this.control.send(type, { session_id: this.session.session_id, ...members });
  }

  async ask(path, languageId, text) {
    this.asked = { path, language_id: languageId, text };
    const start = { line: 0, column: 0 };
    const selection = { start, end: start };
    const excerpt = { path, language_id: languageId, text, first_line: 0, selection };
    const terms = { cap_minutes: 30, price_max: { minor: 3000, currency: 'USD' } };
    await this.control.send('PostAsk', { context: { excerpt, question: 'what is wrong here?' }, terms });
  }

  async #happened(fact) {
    switch (fact.type) {
      case 'OfferMade':
        place('offer').hidden = false;
        place('offer').firstChild.textContent = fact.offer.context.question || fact.offer.context.excerpt.path;
        place('accept').onclick = () => this.control.send('AcceptOffer', { offer_id: fact.offer.offer_id });
        break;
      case 'SessionChanged':
        await this.#sessionChanged(fact.session);
        break;
      case 'MeterMoved':
        place('meter').textContent = `${fact.meter.state} · ${fact.meter.counted_seconds} s · cap ${fact.meter.cap_seconds} s`;
        break;
      case 'ChatSaid':
        place('said').append(`${fact.line.author}: ${fact.line.text}\n`);
        break;
      case 'Pointed':
        place('pointer').textContent = fact.pointer.span.start.line;
        break;
    }
  }

  async #sessionChanged(session) {
    const isNew = this.session === null;
    this.session = session;
    place('state').textContent = `${session.state} · ${session.mode} · ${session.diagnosis}`;
    if (!isNew) return;
    place('offer').hidden = true;
    await this.#join();
    if (session.you === 'learner') await this.command('ShareFile', this.asked);
  }

  async #join() {
    const doc = new Y.Doc();
    const params = { token: await ticket(this.token) };
    const room = `ws://${location.host}/api/v1/sessions/${this.session.session_id}`;
    const provider = new WebsocketProvider(room, 'sync', doc, { params });
    const files = doc.getMap('files');
    const open = () => {
      const [[path, text] = []] = files.entries();
      if (text && !this.binding) this.binding = new Binding(text, path, provider.awareness);
    };
    files.observe(open);
    provider.on('sync', open);
    provider.on('connection-close', async () => (provider.params.token = await ticket(this.token)));
    provider.awareness.on('change', () => this.#partnerMoved(doc, provider.awareness));
  }

  #partnerMoved(doc, awareness) {
    for (const [client, state] of awareness.getStates()) {
      if (client === doc.clientID || !state.cursor) continue;
      const found = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(state.cursor.head), doc);
      const line = found ? found.type.toString().slice(0, found.index).split('\n').length - 1 : '';
      place('partner').textContent = `${state.user.name}:${line}`;
    }
  }
}

window.codementor = new Person();
place('chat').onsubmit = (event) => {
  event.preventDefault();
  window.codementor.command('SendChat', { text: event.target.words.value });
  event.target.reset();
};
