// From answers to an entry: kept on the phone first, then sent; after an emergency sign behind the call page.
import { answersOf, faultOf, showFault } from './answers.js';
import { dropDraft } from './draft.js';
import { askForSync, flush, put, tellMistake } from './queue.js';
import { bodyOf } from './rules.js';
import { change, contentOf, everything, keep, onChange } from './store.js';
import { stateOf, word } from './words.js';

const PATIENCE_MS = 6_000;
let form;
let goBack;
let stopSaying = () => {};

export const subjectOf = () => document.body.dataset.subject || document.body.dataset.shellSubject;

// `showQuestions` brings the questions back after a sign that was tapped by mistake.
export function startEntry(given, { steps, showQuestions }) {
  form = given;
  goBack = showQuestions;
  form.addEventListener('submit', (event) => onSend(event, steps()));
  document.querySelector('[data-called]').addEventListener('click', () => finish({ hasCalled: true }));
  document.querySelector('[data-mistake]').addEventListener('click', onMistake);
}

const signGroups = () => Object.fromEntries([...form.querySelectorAll('[name="sign"]')].map((sign) => [sign.value, sign.closest('[data-signs-of]').dataset.signsOf]));
const allAreas = () => [...form.querySelectorAll('[name="area"]')].map((box) => box.value).filter((area) => area !== 'nowhere');
const entryOf = async (id) => (await everything()).find((one) => one.id === id);

// The call page first; the entry is kept and sent behind it without another tap.
export async function onEmergency() {
  const layer = document.querySelector('[data-call-layer]');
  if (!layer.hidden) return;
  form.hidden = true;
  layer.hidden = false;
  document.querySelector('[data-plain-title]').hidden = true;
  document.body.dataset.layer = 'call';
  layer.querySelector('h1').focus();
  await keepAndSend('now', layer.querySelector('[data-call-state]'));
}

async function onSend(event, steps) {
  event.preventDefault();
  const fault = steps.map((step) => faultOf(step, form)).find(Boolean);
  showFault(form, fault);
  if (fault || form.dataset.busy) return;
  form.dataset.busy = 'yes';
  form.querySelector('[data-send]').setAttribute('aria-busy', 'true');
  const outcome = await keepAndSend(undefined, document.querySelector('[data-done-state]'));
  delete form.dataset.busy;
  form.querySelector('[data-send]').removeAttribute('aria-busy');
  if (outcome?.url) location.assign(outcome.url);
  else if (outcome) finish();
}

// Null where the entry is neither kept nor sent: the answers stay in the form.
async function keepAndSend(feels, place) {
  const body = bodyOf(answersOf(form), { subject: subjectOf(), areas: allAreas(), signGroups: signGroups(), feels });
  const id = form.elements.id.value;
  const kept = { id, subject: body.subject, body, state: 'queued', attempts: 0, tryAt: 0, savedAt: Date.now() };
  try { await keep(kept); } catch { return sendUnkept(id, body, place); }
  dropDraft(body.subject);
  navigator.storage?.persist?.();
  askForSync();
  const say = async () => {
    const entry = await entryOf(id).catch(() => null) ?? kept; // a store that does not answer now has it all the same
    place.textContent = stateOf(entry);
    document.querySelector('[data-done-unsent]').hidden = entry.state !== 'queued';
    return entry;
  };
  await say();
  stopSaying();
  stopSaying = onChange(say);
  await Promise.race([flush({ eager: true }), new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS); })]).catch(() => {});
  const entry = await say();
  const content = entry.state === 'sent' ? await contentOf(entry).catch(() => null) : null;
  return { url: content?.answer.url };
}

// A full phone keeps nothing: then only the clinic's answer counts.
async function sendUnkept(id, body, place) {
  const { meaning, answer } = await put(id, body);
  const isSent = meaning === 'sent';
  if (!isSent) showFault(form, { field: '', sentence: word('not_saved') });
  place.textContent = isSent ? stateOf({ state: 'sent', sentAt: Date.now() }) : word('not_saved');
  document.querySelector('[data-done-unsent]').hidden = true;
  return isSent ? { url: answer.url } : null;
}

function finish({ hasCalled = false } = {}) {
  document.querySelector('[data-call-layer]').hidden = true;
  delete document.body.dataset.layer;
  form.hidden = true;
  const done = document.querySelector('section[data-done]');
  done.hidden = false;
  const { feels } = Object.fromEntries(new FormData(form));
  done.querySelector('[data-done-call]').hidden = hasCalled || !(feels === 'now' || form.querySelector('[name="sign"]:checked, [name="group"][value="any"]:checked'));
  const saidBefore = document.querySelector('[data-call-state]').textContent; // after the call page
  if (saidBefore) done.querySelector('[data-done-state]').textContent = saidBefore;
  done.querySelector('h1').focus();
}

async function onMistake() {
  const { id } = form.elements;
  await change(id.value, { isMistaken: true });
  tellMistake(id.value);
  id.value = crypto.randomUUID();
  for (const sign of form.querySelectorAll('[data-emergency]:checked')) sign.checked = false;
  for (const group of form.querySelectorAll('[name="group"]:checked')) {
    const signs = form.querySelector(`[data-signs-of="${group.value}"]`);
    if (!signs?.querySelector('[data-emergency]') || signs.querySelector('[name="sign"]:checked')) continue;
    group.checked = false; // else it would count as "not sure which"
    group.dispatchEvent(new Event('change', { bubbles: true }));
  }
  document.querySelector('[data-call-layer]').hidden = true;
  delete document.body.dataset.layer;
  form.hidden = false;
  document.querySelector('[data-plain-title]').hidden = false;
  goBack();
}
