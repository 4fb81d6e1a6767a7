// The phone's own store. An entry is kept here first, always; nothing is removed before the clinic's server has it.
// What it says is sealed; beside it lie its id, the opaque key of its person, its state and its times.
import { openDB } from 'idb';
import { keyFrom, newKey, seal, unseal } from './seal.js';

const KEEP_MS = 30 * 86_400_000;
const PATIENCE_MS = 8_000;
// Version 1 kept entries in plain text. A page or worker of that time cannot open version 2, and so never sends what it cannot read.
const VERSION = 2;
const channel = 'BroadcastChannel' in self ? new BroadcastChannel('entries') : null;
const listeners = new Set();
channel?.addEventListener('message', () => listeners.forEach((listener) => listener()));

const open = () => openDB('aftercare', VERSION, {
  upgrade(db, from) {
    if (from) return;
    db.createObjectStore('entries', { keyPath: 'id' }).createIndex('subject', 'subject');
    db.createObjectStore('known');
  },
  blocking(_current, _wanted, event) { event.target.close(); },
});

// A page that is left may be parked with all that it has under way. WebKit brings none of that to an end, and it would hold
// up the store for every page after it. So it is undone: nothing of it was called saved, and a parked page is loaded anew.
const underWay = new Set();
self.addEventListener('pagehide', (event) => {
  if (event.persisted) for (const transaction of underWay) stop(transaction);
});

// Late is a failure: what holds up the store must not hold up the page too, nor the one sender of all pages.
async function inTime(work, giveUp = () => {}) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(reject, PATIENCE_MS, new Error('the store does not answer')); });
  try { return await Promise.race([work, late]); } catch (error) { giveUp(); throw error; } finally { clearTimeout(timer); }
}

async function within(store, mode, work) {
  const opening = open();
  const db = await inTime(opening, () => opening.then((late) => late.close(), () => {}));
  const transaction = db.transaction(store, mode, { durability: 'strict' });
  underWay.add(transaction);
  try {
    const [result] = await inTime(Promise.all([work(transaction.store), transaction.done]), () => stop(transaction));
    return result;
  } finally {
    underWay.delete(transaction);
    db.close();
  }
}

function stop(transaction) {
  try { transaction.abort(); } catch { /* it has ended */ }
}

function changed() {
  channel?.postMessage('changed');
  listeners.forEach((listener) => listener());
}

// Calls `listener` after every change; what it returns ends that.
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// The one key of this phone. Two tabs that make one at the same time end with the same: the first that was kept.
async function key() {
  const kept = await within('known', 'readonly', (store) => store.get('key'));
  if (kept) return usable(kept);
  const made = await newKey();
  const keepFirst = (value) => within('known', 'readwrite', async (store) => (await store.get('key')) ?? (await store.put(value, 'key'), value));
  // Some private windows cannot keep a key: they keep its bytes, since an entry that is lost is worse.
  return usable(await keepFirst(made.key).catch(() => keepFirst(made.bytes)));
}

const usable = (kept) => (kept instanceof Uint8Array ? keyFrom(kept) : kept);

// "Saved" is true only when this has resolved; it rejects rather than hang when the phone cannot write.
export async function keep({ body, ...entry }) {
  const write = async () => {
    const sealed = await seal(await key(), body, entry.id);
    await within('entries', 'readwrite', (store) => store.put({ ...entry, sealed }));
  };
  await inTime(write());
  changed();
}

// `answer`, what the clinic's server said, is sealed too.
export async function change(id, { answer, ...values }) {
  const sealed = answer && { answer: await seal(await key(), answer, id) };
  await within('entries', 'readwrite', async (store) => {
    const entry = await store.get(id);
    if (entry) await store.put({ ...entry, ...values, ...sealed });
  });
  changed();
}

// What an entry says and what the server answered; null where this phone's key does not open it. Rejects where the store
// does not give the key: that says nothing of the entry.
export async function contentOf(entry) {
  const own = await key();
  try {
    return { body: await unseal(own, entry.sealed, entry.id), answer: entry.answer ? await unseal(own, entry.answer, entry.id) : {} };
  } catch { return null; }
}

export const everything = () => within('entries', 'readonly', (store) => store.getAll());
export const ofPerson = (subject) => within('entries', 'readonly', (store) => store.index('subject').getAll(subject));

// Parts that are known of the person on this phone, sealed; undefined where there is none or it cannot be opened.
export async function known(name) {
  const sealed = await within('known', 'readonly', (store) => store.get(name));
  return sealed?.bytes ? unseal(await key(), sealed, name).catch(() => undefined) : undefined;
}

export async function learn(name, value) {
  const sealed = await seal(await key(), value, name);
  await within('known', 'readwrite', (store) => store.put(sealed, name));
}

export const forget = (name) => within('known', 'readwrite', (store) => store.delete(name));

// What version 1 kept in plain text.
export async function sealOld() {
  for (const { body, answer, ...entry } of await everything()) {
    if (entry.sealed || !body) continue;
    const own = await key();
    const sealed = { sealed: await seal(own, body, entry.id), ...(answer ? { answer: await seal(own, answer, entry.id) } : {}) };
    await within('entries', 'readwrite', (store) => store.put({ ...entry, ...sealed }));
  }
}

// Sent ones leave after 30 days, and so do those that the person has settled with the clinic.
export const dropOld = (now) => dropWhere((entry) => (entry.state === 'sent' || entry.isSettled) && now - (entry.sentAt ?? entry.savedAt) > KEEP_MS);

// At sign-out: the clinic has the sent ones. What was not sent stays, sealed.
export async function forgetPerson(subject) {
  await forget('person');
  await forget(`draft:${subject}`);
  await dropWhere((entry) => entry.subject === subject && (entry.state === 'sent' || entry.isSettled));
}

async function dropWhere(isUnwanted) {
  const unwanted = (await everything()).filter(isUnwanted);
  for (const entry of unwanted) await within('entries', 'readwrite', (store) => store.delete(entry.id));
}
