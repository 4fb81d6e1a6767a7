// Shows what waits on this phone and what has arrived: lately, or where a place asks for all, every one that is kept.
// Unsent stays visible.
import { change, contentOf, everything, onChange } from './store.js';
import { dayAndTimeOf, stateOf, word } from './words.js';

const opened = Date.now();
const LATELY_MS = 3 * 86_400_000;

export function startWaiting() {
  const places = document.querySelectorAll('[data-waiting]');
  if (!places.length) return;
  const show = () => render(places).catch(() => {});
  onChange(show);
  show();
}

async function render(places) {
  const { subject, shellSubject } = document.body.dataset;
  const person = subject || shellSubject || '';
  const entries = (await everything()).filter((entry) => !entry.isSettled);
  const own = entries.filter((entry) => entry.subject === person).sort((a, b) => b.savedAt - a.savedAt);
  const isAnotherUnsent = entries.some((entry) => entry.subject !== person && entry.state !== 'sent');
  for (const place of places) {
    const since = sinceOf(place);
    const lines = await Promise.all(own.filter((entry) => entry.state !== 'sent' || entry.sentAt > since).map(line));
    // Another person's entry: neither what it says nor whose it is, only that it is there.
    if (isAnotherUnsent) lines.push(item('needs_sign_in', word('somebody_waits'), ''));
    const list = document.createElement('ul');
    list.className = 'waiting';
    list.append(...lines);
    place.replaceChildren(...(lines.length ? [list] : []));
  }
}

function sinceOf(place) {
  if (place.dataset.waiting === 'all') return 0;
  // Without a network the start page is the only one that says what became of the last entries.
  return document.body.dataset.page === 'shell' ? Date.now() - LATELY_MS : opened;
}

async function line(entry) {
  const said = stateOf(entry, entry.seenAt ? (await contentOf(entry))?.answer : null);
  const settle = ['refused', 'unreadable'].includes(entry.state) && (() => change(entry.id, { isSettled: true }));
  const isReachable = navigator.onLine && entry.sentAt > opened; // what was sent before says nothing of the network now
  const result = entry.state === 'sent' && isReachable && `/reactions/${entry.id}`;
  return item(entry.state, said, `${word('check_in_of')} ${dayAndTimeOf(entry.savedAt)}`, { id: entry.id, settle, result });
}

// What cannot be sent is taken off the list by the person only.
function item(state, said, about, { id = '', settle, result } = {}) {
  const row = document.createElement('li');
  Object.assign(row.dataset, { state, id });
  const name = document.createElement('span');
  name.textContent = about;
  const strong = document.createElement('strong');
  strong.dataset.state = state;
  strong.textContent = said;
  row.append(name, strong);
  if (result) row.append(Object.assign(document.createElement('a'), { href: result, textContent: word('see_result') }));
  if (settle) {
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', className: 'link-button', textContent: word('settled') });
    button.addEventListener('click', settle);
    row.append(button);
  }
  return row;
}
