// The service worker: keeps the impersonal shell, shows every push, sends what waits. self.__VERSION and __PRECACHE stand before it.
import { onPush, onSubscriptionEnd, onTap } from './notify.js';
import { flush } from './queue.js';
import { patienceMs } from './rules.js';
import { known } from './store.js';

const CACHE = `shell-${self.__VERSION}`;
const SHELLS = self.__PRECACHE.filter((url) => url.startsWith('/shell/'));

self.addEventListener('install', (event) => event.waitUntil(keepShell()));
self.addEventListener('activate', (event) => event.waitUntil(takeOver()));
self.addEventListener('message', (event) => {
  if (event.data === 'skip-waiting') self.skipWaiting();
  else if (event.data?.language) event.waitUntil(keepShellOf(event.data.language).catch(() => {}));
});
self.addEventListener('sync', (event) => { if (event.tag === 'entries') event.waitUntil(sendOrTryAgain()); });
self.addEventListener('push', (event) => event.waitUntil(onPush(event)));
self.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(onSubscriptionEnd()));
self.addEventListener('notificationclick', (event) => event.waitUntil(onTap(event)));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (url.pathname.startsWith('/static/dist/')) event.respondWith(fromCache(request));
  else if (request.mode === 'navigate') event.respondWith(pageOrShell(event));
});

// In a lift the network takes a request and answers nothing: after a while that is no network. What comes later never
// replaces the shell, where somebody may be in the middle of a form by then: the shell only says that it came.
async function pageOrShell(event) {
  const asked = fetch(event.request).catch(() => null); // with nothing beside it, or it were no navigation any more
  const inTime = await Promise.race([asked, after(patienceMs(new URL(event.request.url).pathname))]);
  if (inTime && !isOfGateway(inTime)) return inTime;
  const kept = await shell();
  if (!kept) return await asked ?? Response.error();
  if (inTime === undefined) event.waitUntil(asked.then((late) => late && sayItCame(event.resultingClientId)));
  return kept;
}

const after = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// Our own error pages say what to do; those of what stands between the phone and the clinic do not.
const isOfGateway = ({ status, headers }) => status >= 500 && !headers.has('Aftercare-Companion');

async function sayItCame(id) {
  (await self.clients.get(id))?.postMessage('online');
}

// Without credentials: what is kept is the same for everybody. Of the offline pages only the one in the person's language.
async function keepShell() {
  const cache = await caches.open(CACHE);
  const files = self.__PRECACHE.filter((url) => !SHELLS.includes(url));
  await cache.addAll([...files, await ownShell()].map((url) => new Request(url, { cache: 'reload', credentials: 'omit' })));
}

async function keepShellOf(language) {
  const cache = await caches.open(CACHE);
  const url = shellOf(language);
  if (url && !(await cache.match(url))) await cache.add(new Request(url, { cache: 'reload', credentials: 'omit' }));
}

// The release that was in use before stays, for pages of it that are still open; one that only waited has none. A release
// that is being fetched meanwhile stands behind ours: `keys` names the oldest first.
async function takeOver() {
  await self.clients.claim();
  const names = (await caches.keys()).filter((name) => name.startsWith('shell-'));
  const older = names.slice(0, names.indexOf(CACHE));
  const place = await caches.open('releases');
  const used = await (await place.match('/releases'))?.json() ?? older.slice(-1);
  const kept = [CACHE, ...used.filter((name) => name !== CACHE)].slice(0, 2);
  await place.put('/releases', new Response(JSON.stringify(kept)));
  for (const name of older) if (!kept.includes(name)) await caches.delete(name);
}

async function fromCache(request) {
  return (await caches.match(request)) ?? fetch(request);
}

const shellOf = (language) => SHELLS.find((url) => url === `/shell/${language?.split('-')[0]}`);

// In the language of the person on this phone, else the phone's own, else the first there is.
async function ownShell() {
  const person = await known('person').catch(() => null);
  return shellOf(person?.language) ?? shellOf(self.navigator.language) ?? SHELLS[0];
}

async function shell() {
  const cache = await caches.open(CACHE);
  const wanted = [await ownShell(), ...SHELLS];
  for (const url of wanted) { const found = await cache.match(url); if (found) return found; }
  return null;
}

async function sendOrTryAgain() {
  if (await flush({ eager: true })) throw new Error('not all sent: try again later');
}
