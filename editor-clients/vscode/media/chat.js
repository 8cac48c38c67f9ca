// The page of the chat view. Everything said goes in by `textContent`.
(() => {
  const host = acquireVsCodeApi();
  const list = document.getElementById('lines');
  const box = document.getElementById('say');

  function element(name, className, text) {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function timeOf(at) {
    const time = new Date(at);
    return Number.isNaN(time.getTime())
      ? ''
      : time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  }

  window.addEventListener('message', ({ data }) => {
    const items = data.lines.map(({ name, text, mine, at }) => {
      const item = element('li', mine ? 'mine' : 'theirs', '');
      const head = element('div', 'head', '');
      head.append(element('span', 'name', name), element('time', '', timeOf(at)));
      item.append(head, element('div', 'text', text));
      return item;
    });
    list.replaceChildren(...items);
    list.lastElementChild?.scrollIntoView();
  });

  box.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      host.postMessage({ say: box.value });
      box.value = '';
    }
  });

  host.postMessage('ready');
})();
