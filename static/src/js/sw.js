// The service worker: keeps the impersonal shell, shows every push, sends what waits. self.__VERSION and __PRECACHE stand before it.
import { onPush, onSubscriptionEnd, onTap } from './notify.js';
import { flush } from './queue.js';
import { known } from './store.js';

const CACHE = `shell-${self.__VERSION}`;

self.addEventListener('install', (event) => event.waitUntil(keepShell()));
self.addEventListener('activate', (event) => event.waitUntil(takeOver()));
self.addEventListener('message', (event) => { if (event.data === 'skip-waiting') self.skipWaiting(); });
self.addEventListener('sync', (event) => { if (event.tag === 'entries') event.waitUntil(sendOrTryAgain()); });
self.addEventListener('push', (event) => event.waitUntil(onPush(event)));
self.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(onSubscriptionEnd()));
self.addEventListener('notificationclick', (event) => event.waitUntil(onTap(event)));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (url.pathname.startsWith('/static/dist/')) event.respondWith(fromCache(request));
  else if (request.mode === 'navigate') event.respondWith(fetch(request).catch(shell));
});

async function keepShell() {
  const cache = await caches.open(CACHE);
  // Without credentials: what is kept is the same for everybody.
  await cache.addAll(self.__PRECACHE.map((url) => new Request(url, { cache: 'reload', credentials: 'omit' })));
}

async function takeOver() {
  for (const name of await caches.keys()) if (name.startsWith('shell-') && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
}

async function fromCache(request) {
  return (await caches.match(request)) ?? fetch(request);
}

// In the language of the person on this phone, else the phone's own, else the first there is.
async function shell() {
  const person = await known('person').catch(() => null);
  const shells = self.__PRECACHE.filter((url) => url.startsWith('/shell/'));
  const of = (language) => shells.find((url) => url === `/shell/${language?.split('-')[0]}`);
  return (await caches.match(of(person?.language) ?? of(self.navigator.language) ?? shells[0])) ?? Response.error();
}

async function sendOrTryAgain() {
  if (await flush({ eager: true })) throw new Error('not all sent: try again later');
}
