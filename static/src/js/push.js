// Notifications: asked for in context, checked and sent again on every opening, their state always visible.
import { word } from './words.js';

const PATIENCE_MS = 15_000;

export async function startPush() {
  const { subject, pushKey } = document.body.dataset;
  const panel = document.querySelector('[data-push]');
  if (!subject || !pushKey) return;
  const state = await stateOf(pushKey).catch(() => 'push_failed');
  if (panel) show(panel, state, pushKey);
}

async function stateOf(key) {
  if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) {
    return /iPhone|iPad/.test(navigator.userAgent) ? 'push_install' : 'push_unsupported';
  }
  if (Notification.permission === 'denied') return 'push_blocked';
  if (Notification.permission !== 'granted') return 'push_off';
  const registration = await soon(navigator.serviceWorker.ready);
  const subscription = await registration.pushManager.getSubscription();
  if (!subscription) return 'push_off';
  await tell(subscription, key);
  return 'push_on';
}

function show(panel, state, key) {
  const button = panel.querySelector('[data-push-ask]');
  panel.hidden = false;
  panel.querySelector('[data-push-state]').textContent = word(state);
  panel.dataset.state = state;
  button.hidden = !['push_off', 'push_failed'].includes(state);
  button.onclick = async () => {
    button.setAttribute('aria-busy', 'true');
    panel.querySelector('[data-push-state]').textContent = word('push_asking');
    const after = await subscribe(key).catch(() => 'push_failed');
    button.removeAttribute('aria-busy');
    show(panel, after, key);
  };
}

async function subscribe(key) {
  if (await soon(Notification.requestPermission(), 60_000) !== 'granted') return 'push_blocked';
  const registration = await soon(navigator.serviceWorker.ready);
  const wanted = { userVisibleOnly: true, applicationServerKey: bytes(key) };
  let subscription;
  try { subscription = await soon(registration.pushManager.subscribe(wanted)); } catch (error) {
    if (error.name !== 'InvalidStateError') throw error;
    await (await registration.pushManager.getSubscription())?.unsubscribe(); // made for an older key of ours
    subscription = await soon(registration.pushManager.subscribe(wanted));
  }
  await tell(subscription, key);
  return 'push_on';
}

async function tell(subscription, key) {
  const { endpoint, keys } = subscription.toJSON();
  const response = await fetch('/push/subscriptions', {
    method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, body: JSON.stringify({ endpoint, keys, key }),
  });
  if (!response.ok) throw new Error('the clinic did not take the subscription');
}

// Some browsers never settle a subscription without a network.
function soon(promise, ms = PATIENCE_MS) {
  return Promise.race([promise, new Promise((_, reject) => { setTimeout(() => reject(new Error('too slow')), ms); })]);
}

function bytes(base64url) {
  const text = atob(base64url.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
