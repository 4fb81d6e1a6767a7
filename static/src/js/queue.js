// Sends what is kept: one sender at a time across tabs and the service worker, in order, until the clinic's server has it.
import { meaningOf, waitMs } from './rules.js';
import { change, dropOld, everything } from './store.js';

const ABORT_MS = 20_000;
const EVERY_MS = 15_000;

export async function flush({ eager = false } = {}) {
  const run = () => sendAll(eager);
  return navigator.locks ? navigator.locks.request('send-entries', run) : run();
}

// Says how many are still waiting for a network or a later try.
async function sendAll(eager) {
  const waiting = (await everything()).filter(isUnsent).sort((a, b) => a.savedAt - b.savedAt);
  let left = waiting.length;
  for (const entry of waiting) {
    if (!eager && entry.tryAt > Date.now()) continue;
    const { meaning, answer, retryAfter } = await put(entry);
    if (meaning === 'queued') {
      const attempts = entry.attempts + 1;
      await change(entry.id, { attempts, tryAt: Date.now() + waitMs(attempts, Math.random(), retryAfter) });
      if (!answer) break; // no network: the others would fail alike
    } else {
      left -= 1;
      await change(entry.id, { state: meaning, answer, ...(meaning === 'sent' ? { sentAt: Date.now() } : {}) });
      if (meaning === 'sent' && entry.isMistaken) await tellMistake(entry.id);
      if (meaning === 'needs_sign_in') break;
    }
  }
  await dropOld(Date.now());
  return left;
}

const isUnsent = (entry) => ['queued', 'needs_sign_in', 'other_person'].includes(entry.state);

async function put(entry) {
  let response;
  try {
    response = await call(`/reactions/${entry.id}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ ...entry.body, sent_at: new Date().toISOString() }),
    });
  } catch { return { meaning: 'queued', answer: null }; }
  let answer = null;
  if (response.headers.get('content-type')?.startsWith('application/json')) answer = await response.json().catch(() => null);
  return { meaning: meaningOf(response.status, answer, entry.id), answer: answer ?? {}, retryAfter: Number(response.headers.get('retry-after')) || 0 };
}

export async function tellMistake(id) {
  try {
    const response = await call(`/reactions/${id}/mistake`, { method: 'POST', headers: { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' }, body: '' });
    if (response.ok) await change(id, { isMistaken: false });
  } catch { /* told with the next opening */ }
}

export async function call(url, options) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ABORT_MS);
  try {
    return await fetch(url, { credentials: 'same-origin', redirect: 'error', cache: 'no-store', signal: abort.signal, ...options });
  } finally { clearTimeout(timer); }
}

export async function askForSync() {
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.sync?.register('entries').catch(() => {}); // Chromium only: sends even when the app is closed
}

export function flushOnEveryOccasion() {
  const now = () => flush({ eager: true }).catch(() => {});
  addEventListener('online', now);
  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') now(); });
  setInterval(() => flush().catch(() => {}), EVERY_MS);
  now();
}
