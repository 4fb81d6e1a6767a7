// The phone's own store. An entry is kept here first, always; nothing is removed before the clinic's server has it.
import { openDB } from 'idb';

const KEEP_SENT_MS = 30 * 86_400_000;
const WRITE_MS = 8_000;
const channel = 'BroadcastChannel' in self ? new BroadcastChannel('entries') : null;
const listeners = new Set();
channel?.addEventListener('message', () => listeners.forEach((listener) => listener()));

const open = () => openDB('aftercare', 1, {
  upgrade(db) {
    db.createObjectStore('entries', { keyPath: 'id' }).createIndex('subject', 'subject');
    db.createObjectStore('known');
  },
  blocking(_current, _wanted, event) { event.target.close(); },
});

async function within(store, mode, work) {
  const db = await open();
  try {
    const transaction = db.transaction(store, mode, { durability: 'strict' });
    const result = await work(transaction.store);
    await transaction.done;
    return result;
  } finally { db.close(); }
}

function changed() {
  channel?.postMessage('changed');
  listeners.forEach((listener) => listener());
}

export const onChange = (listener) => listeners.add(listener);

// "Saved" is true only when this has resolved; it rejects rather than hang when the phone cannot write.
export async function keep(entry) {
  const late = new Promise((_, reject) => { setTimeout(() => reject(new Error('the phone does not write')), WRITE_MS); });
  await Promise.race([within('entries', 'readwrite', (store) => store.put(entry)), late]);
  changed();
}

export async function change(id, values) {
  await within('entries', 'readwrite', async (store) => {
    const entry = await store.get(id);
    if (entry) await store.put({ ...entry, ...values });
  });
  changed();
}

export const everything = () => within('entries', 'readonly', (store) => store.getAll());
export const ofPerson = (subject) => within('entries', 'readonly', (store) => store.index('subject').getAll(subject));
export const known = (key) => within('known', 'readonly', (store) => store.get(key));
export const learn = (key, value) => within('known', 'readwrite', (store) => store.put(value, key));
export const forget = (key) => within('known', 'readwrite', (store) => store.delete(key));

export async function dropOld(now) {
  const old = (await everything()).filter((entry) => entry.state === 'sent' && now - entry.sentAt > KEEP_SENT_MS);
  for (const entry of old) await within('entries', 'readwrite', (store) => store.delete(entry.id));
}
