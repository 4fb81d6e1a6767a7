// Sends what is kept: one sender at a time across tabs and the service worker, in order, until the clinic's server has it.
import { isLostAtClinic, meaningOf, waitMs } from './rules.js';
import { change, contentOf, dropOld, everything, ofPerson, sealOld } from './store.js';

const ABORT_MS = 20_000;
const EVERY_MS = 15_000;

const alone = (work) => (navigator.locks ? navigator.locks.request('send-entries', work) : work());

// Says how many are still waiting for a network or a later try.
export const flush = ({ eager = false } = {}) => alone(() => sendAll(eager));

async function sendAll(eager) {
  await sealOld();
  const waiting = (await everything()).filter(isUnsent).sort((a, b) => a.savedAt - b.savedAt);
  let left = waiting.length;
  for (const entry of waiting) {
    if (!eager && entry.tryAt > Date.now()) continue;
    const content = await contentOf(entry);
    if (!content) { left -= 1; await change(entry.id, { state: 'unreadable' }); continue; }
    const { meaning, answer, retryAfter } = await put(entry.id, content.body);
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

// One try: what the answer means, what it says, and how many seconds the server asks to wait.
export async function put(id, body) {
  let response;
  try {
    response = await call(`/reactions/${id}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ ...body, sent_at: new Date().toISOString() }),
    });
  } catch { return { meaning: 'queued', answer: null }; }
  const answer = await jsonOf(response);
  return { meaning: meaningOf(response.status, answer, id), answer: answer ?? {}, retryAfter: Number(response.headers.get('retry-after')) || 0 };
}

// What became of this person's entries at the clinic. One that was sent and that the server does not know, because it
// was restored from a backup, waits again; sending it twice is harmless.
export async function askWhatBecame(subject) {
  const own = (await ofPerson(subject)).filter((entry) => entry.state === 'sent');
  if (!own.length) return;
  const response = await call('/reactions/states', { headers: { Accept: 'application/json' } }).catch(() => null);
  const answer = response?.ok ? await jsonOf(response) : null;
  if (answer?.subject !== subject) return;
  const states = new Map(answer.entries.map((one) => [one.id, one]));
  await alone(() => take(own, states));
  if (own.some((entry) => isLostAtClinic(entry, states, Date.now()))) await flush({ eager: true });
}

async function take(own, states) {
  for (const entry of own) {
    if (isLostAtClinic(entry, states, Date.now())) await change(entry.id, { state: 'queued', attempts: 0, tryAt: 0 });
    const seenAt = Date.parse(states.get(entry.id)?.seen_at) || undefined;
    if (!seenAt || seenAt === entry.seenAt) continue;
    const content = await contentOf(entry);
    if (content) await change(entry.id, { seenAt, answer: { ...content.answer, seen_by: states.get(entry.id).seen_by } });
  }
}

export async function tellMistake(id) {
  try {
    const response = await call(`/reactions/${id}/mistake`, { method: 'POST', headers: { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' }, body: '' });
    if (response.ok) await change(id, { isMistaken: false });
  } catch { /* told with the next opening */ }
}

// The limit holds for the body of the answer too: what hangs there would hold up the one sender for ever.
export const call = (url, options) => fetch(url, { credentials: 'same-origin', redirect: 'error', cache: 'no-store', signal: AbortSignal.timeout(ABORT_MS), ...options });

export const jsonOf = async (response) => (response.headers.get('content-type')?.startsWith('application/json') ? response.json().catch(() => null) : null);

export async function askForSync() {
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.sync?.register('entries').catch(() => {}); // Chromium only: sends even when the app is closed
}

export function flushOnEveryOccasion() {
  const { subject } = document.body.dataset;
  const now = async () => {
    await flush({ eager: true });
    if (subject) await askWhatBecame(subject);
  };
  const quietly = () => now().catch(() => {});
  addEventListener('online', quietly);
  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') quietly(); });
  setInterval(() => flush().catch(() => {}), EVERY_MS);
  quietly();
}
