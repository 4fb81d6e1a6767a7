// The nurse's desk: htmx refreshes the queue; when nothing has been heard for a minute, the status line says so by itself.
import 'htmx.org';
import { timeOf, word } from './words.js';

const STALE_MS = 60_000;
let heard = { at: '', on: performance.now(), time: Date.now() };

setInterval(() => {
  const queue = document.getElementById('queue');
  const status = document.getElementById('alerting-status');
  if (!queue || !status) return;
  if (queue.dataset.at !== heard.at) heard = { at: queue.dataset.at, on: performance.now(), time: Date.now() };
  if (performance.now() - heard.on < STALE_MS) return;
  status.dataset.state = 'bad';
  status.querySelector('[data-text]').textContent = word('queue_stale', { time: timeOf(heard.time) });
}, 1_000);
