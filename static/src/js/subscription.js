// This device's push subscription, for pages and the worker: made for the clinic's present key, told again and again.
import { bytes, text } from './base64url.js';

const PATIENCE_MS = 15_000;

// The one there is if it was made for `key`, else a new one: the push service takes nothing that another key signed.
export async function subscriptionFor(manager, key) {
  const present = await manager.getSubscription();
  if (present && keyOf(present) === key) return present;
  await present?.unsubscribe();
  return soon(manager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) }));
}

// Answers { id, proven_at }: the device's own id, and when it last showed a message.
export async function tell(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const response = await fetch('/push/subscriptions', {
    method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify({ endpoint, keys, key: keyOf(subscription) }),
  });
  if (!response.ok) throw new Error('the clinic did not take the subscription');
  return response.json();
}

// The browser has ended a subscription while no page was open.
export async function resubscribe(manager) {
  const { key } = await (await fetch('/push/key', { headers: { Accept: 'application/json' } })).json();
  await tell(await subscriptionFor(manager, key));
}

// At sign-out: nothing more comes to this device, and nothing that came stays on its screen.
export async function forgetDevice() {
  const registration = await navigator.serviceWorker?.getRegistration();
  for (const shown of await registration?.getNotifications?.() ?? []) shown.close();
  const subscription = await registration?.pushManager?.getSubscription();
  if (!subscription) return;
  const { endpoint } = subscription;
  await fetch('/push/subscriptions', { method: 'DELETE', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ endpoint }) }).catch(() => {});
  await subscription.unsubscribe();
}

// Some browsers never settle a subscription without a network.
export function soon(promise, ms = PATIENCE_MS) {
  return Promise.race([promise, new Promise((_, reject) => { setTimeout(() => reject(new Error('too slow')), ms); })]);
}

const keyOf = (subscription) => text(subscription.options.applicationServerKey);
