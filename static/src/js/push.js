// Notifications: asked for in context, checked and sent again on every opening, their state always visible.
import { platform } from './platform.js';
import { soon, subscriptionFor, tell } from './subscription.js';
import { momentOf, timeOf, word } from './words.js';

const TEST_MS = 30_000;

export async function startPush() {
  showUnread();
  const { subject, pushKey } = document.body.dataset;
  const panel = document.querySelector('[data-push]');
  if (!subject || !pushKey) return;
  const found = await stateOf(pushKey).catch(() => ({ state: 'push_failed' }));
  if (panel) show(panel, found, pushKey);
}

// The number on the app's icon: what the page says is new, nothing once somebody is signed out.
function showUnread() {
  const place = document.querySelector('[data-unread]');
  if (place) navigator.setAppBadge?.(Number(place.dataset.unread)).catch(() => {});
}

async function stateOf(key) {
  if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) {
    return { state: platform() === 'ios' ? 'push_install' : 'push_unsupported' };
  }
  if (Notification.permission === 'denied') return { state: 'push_blocked' };
  if (Notification.permission !== 'granted') return { state: 'push_off' };
  return subscribed(key);
}

// Browsers end subscriptions, and the clinic changes its key: whoever has allowed notifications keeps them.
async function subscribed(key) {
  const { pushManager } = await soon(navigator.serviceWorker.ready);
  const device = await tell(await subscriptionFor(pushManager, key));
  return { state: device.proven_at ? 'push_proven' : 'push_on', device };
}

function show(panel, { state, device }, key) {
  const [ask, test, help] = ['ask', 'test', 'help'].map((name) => panel.querySelector(`[data-push-${name}]`));
  panel.hidden = false;
  panel.dataset.state = state;
  say(panel, word(state, { when: device?.proven_at ? momentOf(device.proven_at) : '' }));
  ask.hidden = !['push_off', 'push_failed'].includes(state);
  test.hidden = !device;
  help.hidden = !['push_blocked', 'push_install'].includes(state);
  ask.onclick = () => busy(ask, async () => {
    say(panel, word('push_asking'));
    show(panel, await askAndSubscribe(key).catch(() => ({ state: 'push_failed' })), key);
  });
  test.onclick = () => busy(test, async () => {
    say(panel, word('push_test_waiting'));
    const proven = await provenByTest(device).catch(() => null);
    if (!proven) return say(panel, word('push_test_missing'));
    panel.dataset.state = 'push_proven';
    return say(panel, word('push_test_came', { time: timeOf(proven) }));
  });
}

function say(panel, sentence) {
  panel.querySelector('[data-push-state]').textContent = sentence;
}

async function busy(button, work) {
  button.setAttribute('aria-busy', 'true');
  button.disabled = true;
  try { await work(); } finally {
    button.removeAttribute('aria-busy');
    button.disabled = false;
  }
}

async function askAndSubscribe(key) {
  if (await soon(Notification.requestPermission(), 60_000) !== 'granted') return { state: 'push_blocked' };
  return subscribed(key);
}

// Sent is not shown: only this device's own receipt says that the test came.
async function provenByTest(device) {
  const options = { headers: { 'Content-Type': 'application/json', Accept: 'application/json' } };
  const sent = await fetch('/push/test', { method: 'POST', body: '{}', ...options });
  if (!sent.ok) throw new Error('the clinic did not send a test');
  for (const end = Date.now() + TEST_MS; Date.now() < end;) {
    await new Promise((resolve) => { setTimeout(resolve, 1_000); });
    const seen = await (await fetch(`/push/subscriptions/${device.id}`, options)).json();
    if (seen.proven_at && seen.proven_at !== device.proven_at) return (device.proven_at = seen.proven_at);
  }
  return null;
}
