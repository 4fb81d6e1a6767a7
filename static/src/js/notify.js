// What a push does on a device: always a notification, a receipt, and a tap that opens the right page. Part of the worker.
import { messageOf } from './message.js';
import { call, flush } from './queue.js';
import { resubscribe } from './subscription.js';

// Every push shows a notification: browsers take the permission away from those that do not.
export async function onPush(event) {
  const { title, body, tag, lang, navigate, receipt, isDeclarative } = messageOf(event);
  const icons = ['icon-192', 'badge-96'].map((name) => self.__PRECACHE.find((url) => url.includes(name)));
  await self.registration.showNotification(title ?? 'Aftercare Companion', {
    body: body ?? '', tag, lang, icon: icons[0], badge: icons[1], data: { url: navigate ?? '/', receipt },
    ...(isDeclarative ? { navigate } : {}), // where the browser itself opens the page on a tap, it wants to know which
  });
  if (receipt) await tell(receipt);
  await showCount().catch(() => {});
  await flush({ eager: true }).catch(() => {});
}

export async function onTap(event) {
  event.notification.close();
  const { url, receipt } = event.notification.data ?? {};
  await Promise.all([openPage(url), receipt && tell(`${receipt}/opening`), showCount().catch(() => {})]);
}

export async function onSubscriptionEnd() {
  await resubscribe(self.registration.pushManager).catch(() => {}); // else on the next opening of the app
}

async function showCount() {
  const shown = await self.registration.getNotifications();
  await self.navigator.setAppBadge?.(shown.length);
}

// "It is shown", "it was tapped": the address is the permission, whoever is signed in by now.
async function tell(address) {
  const post = () => call(address, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' });
  await post().catch(post).catch(() => {});
}

async function openPage(wanted) {
  const url = new URL(wanted ?? '/', location.origin);
  if (url.origin !== location.origin) return;
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const there = pages.find((page) => page.url === url.href);
  if (there) return void await there.focus();
  // A page with a half-filled check-in is left alone.
  for (const page of pages.filter((one) => !new URL(one.url).pathname.startsWith('/reactions/new'))) {
    try { await page.focus(); return void await page.navigate(url.href); } catch { /* not ours to steer: open another */ }
  }
  await self.clients.openWindow(url.href);
}
