// The nurse's desk: htmx refreshes the queue and the status line; this counts the seconds since the server's last answer,
// and when there is none for a minute the line says so by itself. A case counts as seen once its page is before somebody.
import 'htmx.org';
import { call } from './queue.js';
import { timeOf, word } from './words.js';

const STALE_SECONDS = 60;
let heard = { at: '', on: performance.now(), time: Date.now() };

setInterval(() => {
  const status = document.getElementById('alerting-status');
  if (!status?.dataset.at) return;
  if (status.dataset.at !== heard.at) heard = { at: status.dataset.at, on: performance.now(), time: Date.now() };
  const silent = Math.floor((performance.now() - heard.on) / 1000);
  if (silent >= STALE_SECONDS) showStale(status);
  else showAge(status, silent);
}, 1_000);

function showAge(status, silent) {
  const age = status.querySelector('[data-age]');
  if (age) age.textContent = word('checked_ago', { seconds: Number(age.dataset.age) + silent });
}

function showStale(status) {
  status.dataset.state = 'bad';
  status.querySelector('[data-age]')?.remove();
  const text = status.querySelector('[data-text]');
  const sentence = word('queue_stale', { time: timeOf(heard.time) });
  if (text.textContent !== sentence) text.textContent = sentence;
}

// A page that was fetched ahead, or opened behind another, is not visible yet. Where an entry has come since, it is fetched anew.
async function noteOpening() {
  if (document.visibilityState !== 'visible') return;
  document.removeEventListener('visibilitychange', noteOpening);
  const { dataset } = document.querySelector('[data-opening]');
  const answer = await call(dataset.opening, { method: 'POST', headers: { Accept: 'application/json' }, body: new URLSearchParams({ mark: dataset.mark }) }).catch(() => null);
  if (answer?.status === 409) location.reload();
  if (answer?.ok) delete dataset.opening;
}

if (document.querySelector('[data-opening]')) {
  document.addEventListener('visibilitychange', noteOpening);
  noteOpening();
}
