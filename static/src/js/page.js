// What every page does: says when there is no network, guards against a second press, learns what the offline page needs.
import { everything, forgetPerson, learn } from './store.js';
import { forgetDevice } from './subscription.js';
import { word } from './words.js';

export function startPage() {
  showNetwork();
  addEventListener('online', showNetwork);
  addEventListener('offline', showNetwork);
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); }); // never a copy from before sign-out
  document.addEventListener('submit', guardOnce);
  document.querySelector('form[data-sign-out]')?.addEventListener('submit', signOut);
  document.querySelector('[data-error-summary]')?.focus();
  remember().catch(() => {});
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

async function remember() {
  const person = document.getElementById('person');
  if (!person) return;
  const { name, phone, phoneHref, emergency, areas } = person.dataset;
  const { subject } = document.body.dataset;
  await learn('person', { subject, language: document.documentElement.lang, name, phone, phoneHref, emergency, ...(areas ? { areas: areas.split(' ') } : {}) });
}

async function signOut(event) {
  const form = event.target;
  if (form.dataset.ready) return;
  event.preventDefault();
  const unsent = (await everything().catch(() => [])).some((entry) => entry.state !== 'sent' && !entry.isSettled);
  if (unsent && !confirm(word('sign_out_unsent'))) return;
  await forgetPerson(document.body.dataset.subject).catch(() => {});
  await forgetDevice().catch(() => {});
  form.dataset.ready = 'yes';
  form.requestSubmit();
}

async function registerWorker() {
  if (!('serviceWorker' in navigator)) return;
  const registration = await navigator.serviceWorker.register('/sw.js', { updateViaCache: 'none' });
  const offer = (worker) => { if (worker && navigator.serviceWorker.controller) offerUpdate(worker); };
  offer(registration.waiting);
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
