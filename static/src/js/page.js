// What every page does: says when there is no network, guards against a second press, learns what the offline page needs.
import { call, jsonOf } from './queue.js';
import { everything, forgetPerson, known, learn } from './store.js';
import { forgetDevice, soon } from './subscription.js';
import { word } from './words.js';

const HOUR_MS = 3_600_000;
let remembering = null;

export function startPage() {
  showNetwork();
  addEventListener('online', showNetwork);
  addEventListener('offline', showNetwork);
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); }); // never a copy from before sign-out
  document.addEventListener('submit', guardOnce);
  document.querySelector('form[data-sign-out]')?.addEventListener('submit', signOut);
  document.querySelector('[data-error-summary]')?.focus();
  remembering = remember().catch(() => {});
  registerWorker().catch(() => {});
}

function showNetwork() {
  const strip = document.querySelector('[data-offline]');
  if (strip) strip.hidden = navigator.onLine;
}

function guardOnce(event) {
  const form = event.target;
  if (!form.matches('[data-once]')) return;
  if (form.dataset.busy) { event.preventDefault(); return; }
  form.dataset.busy = 'yes';
  form.querySelector('button')?.setAttribute('aria-busy', 'true');
}

// What the offline page needs, in the language of this page; asked for anew on the start page, else once an hour.
async function remember() {
  const { subject, page } = document.body.dataset;
  if (!document.querySelector('template#person')) return;
  const kept = await known('person').catch(() => null);
  const isFresh = kept?.subject === subject && kept.language === document.documentElement.lang && Date.now() - kept.asOf < HOUR_MS;
  if (isFresh && page !== 'home') return;
  const response = await call('/phone', { headers: { Accept: 'application/json' } });
  const person = response.ok ? await jsonOf(response) : null;
  if (person?.subject === subject) await learn('person', { ...person, asOf: Date.now() });
}

// Nothing is forgotten before the server has ended the sign-in: without a network the person stays signed in, and is told.
async function signOut(event) {
  event.preventDefault();
  const unsent = (await everything().catch(() => [])).some((entry) => entry.state !== 'sent' && !entry.isSettled);
  if (unsent && !confirm(word('sign_out_unsent'))) return;
  await soon(forgetDevice(), 3_000).catch(() => {});
  const response = await call('/sign-out', { method: 'POST', redirect: 'manual' }).catch(() => null);
  if (response?.type !== 'opaqueredirect' && response?.status !== 401) return void alert(word('push_failed'));
  await remembering; // or it would learn the person again after this
  await forgetPerson(document.body.dataset.subject).catch(() => {});
  location.replace('/sign-in');
}

async function registerWorker() {
  if (!('serviceWorker' in navigator)) return;
  const registration = await navigator.serviceWorker.register('/sw.js', { updateViaCache: 'none' });
  const offer = (worker) => { if (worker && navigator.serviceWorker.controller) offerUpdate(worker); };
  offer(registration.waiting);
  // For an offline page in the language of this one.
  navigator.serviceWorker.ready.then(({ active }) => active.postMessage({ language: document.documentElement.lang }));
  registration.addEventListener('updatefound', () => {
    const worker = registration.installing;
    worker.addEventListener('statechange', () => { if (worker.state === 'installed') offer(worker); });
  });
}

// Asked for, and never in the middle of a form.
function offerUpdate(worker) {
  const strip = document.querySelector('[data-update]');
  if (!strip || document.querySelector('[data-check-in]')) return;
  strip.hidden = false;
  strip.querySelector('[data-update-now]').addEventListener('click', () => {
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
    worker.postMessage('skip-waiting');
  });
}
