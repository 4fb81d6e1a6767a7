// Shows what waits on this phone and what has just arrived. Unsent stays visible.
import { onChange, everything } from './store.js';
import { dayAndTimeOf, timeOf, word } from './words.js';

const opened = Date.now();

export function startWaiting() {
  const places = document.querySelectorAll('[data-waiting]');
  if (!places.length) return;
  const show = () => render(places).catch(() => {});
  onChange(show);
  show();
}

async function render(places) {
  const { subject } = document.body.dataset;
  const person = subject || document.body.dataset.shellSubject || '';
  const entries = (await everything()).filter(isNews);
  const own = entries.filter((entry) => entry.subject === person).sort((a, b) => b.savedAt - a.savedAt);
  const lines = own.map(line);
  // Another person's entry: neither what it says nor whose it is, only that it is there.
  if (entries.some((entry) => entry.subject !== person && entry.state !== 'sent')) lines.push(item('needs_sign_in', word('somebody_waits'), ''));
  for (const place of places) {
    const list = document.createElement('ul');
    list.className = 'waiting';
    list.append(...lines.map((one) => one.cloneNode(true)));
    place.replaceChildren(...(lines.length ? [list] : []));
  }
}

const isNews = (entry) => entry.state !== 'sent' || entry.sentAt > opened;

function line(entry) {
  const said = entry.state === 'sent' ? `${word('sent')} ${timeOf(entry.sentAt)}` : word(entry.state);
  return item(entry.state, said, `${word('check_in_of')} ${dayAndTimeOf(entry.savedAt)}`, entry.id);
}

function item(state, said, about, id = '') {
  const row = document.createElement('li');
  Object.assign(row.dataset, { state, id });
  const name = document.createElement('span');
  name.textContent = about;
  const strong = document.createElement('strong');
  strong.dataset.state = state;
  strong.textContent = said;
  row.append(name, strong);
  return row;
}
