// Putting the app on the phone: offered after the first entry that was sent, never before, and never with one unsent,
// since the installed app of an iPhone does not see what this browser keeps.
import { platform } from './platform.js';
import { everything } from './store.js';

const LATER_MS = 30 * 86_400_000;
const KEY = 'install-later';
let prompt = null; // Chromium's own question, kept until somebody presses our button

export function startInstall() {
  document.querySelector(`[data-platform="${platform()}"]`)?.setAttribute('open', '');
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    prompt = event;
    show();
  });
  addEventListener('appinstalled', hide);
  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-install-now]')) ask();
    if (event.target.closest('[data-install-later]')) later();
  });
  show();
}

async function show() {
  const [offer, place] = ['[data-install-offer]', '[data-install]'].map((selector) => document.querySelector(selector));
  if (isInstalled()) return;
  if (place) place.hidden = !prompt;
  if (!offer || isLater() || !(prompt || platform() === 'ios') || await hasUnsent()) return;
  offer.querySelector('[data-install-now]').hidden = !prompt;
  offer.querySelector('[data-install-how]').hidden = Boolean(prompt);
  offer.hidden = false;
}

async function ask() {
  await prompt?.prompt();
  prompt = null; // a question can be asked once
  hide();
}

function later() {
  try { localStorage.setItem(KEY, String(Date.now() + LATER_MS)); } catch { /* then it is offered again */ }
  hide();
}

function hide() {
  for (const card of document.querySelectorAll('[data-install-offer], [data-install]')) card.hidden = true;
}

const isInstalled = () => matchMedia('(display-mode: standalone)').matches || navigator.standalone === true;

function isLater() {
  try { return Number(localStorage.getItem(KEY)) > Date.now(); } catch { return false; }
}

async function hasUnsent() {
  const entries = await everything().catch(() => []);
  return entries.some((entry) => entry.state !== 'sent');
}
