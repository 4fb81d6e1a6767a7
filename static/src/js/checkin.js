// The check-in, one question at a time. The page works without it as one long form.
import { answersOf, faultOf, review, showFault } from './answers.js';
import { bodyOf } from './rules.js';
import { askForSync, flush, tellMistake } from './queue.js';
import { change, keep, onChange, everything } from './store.js';
import { timeOf, word } from './words.js';

let form;
let steps;
let at = 0;

export function startCheckIn() {
  form = document.querySelector('form[data-check-in]');
  if (!form || (document.body.dataset.page === 'shell' && !document.body.dataset.shellSubject)) return;
  for (const part of document.querySelectorAll('[data-with-script]')) part.hidden = false;
  for (const part of document.querySelectorAll('[data-without-script]')) part.hidden = true;
  form.addEventListener('change', onAnswer);
  form.addEventListener('click', onPress);
  form.addEventListener('submit', onSend);
  addEventListener('popstate', (event) => show(event.state?.step ?? 0));
  for (const group of form.querySelectorAll('[name="group"]')) openSigns(group);
  document.querySelector('[data-called]').addEventListener('click', finish);
  document.querySelector('[data-mistake]').addEventListener('click', onMistake);
  // With one question at a time the question is the title that is seen.
  document.querySelector('[data-plain-title]')?.classList.add('nhsuk-u-visually-hidden');
  history.replaceState({ step: 0 }, '');
  show(0, { isFirst: true });
}

function visibleSteps() {
  const ticked = answersOf(form).get('area') ?? [];
  return [...form.querySelectorAll(':scope > [data-step]')].filter((step) => {
    const [kind, area] = step.dataset.step.split(':');
    return kind !== 'symptoms' || ticked.includes(area);
  });
}

function show(index, { isFirst = false } = {}) {
  steps = visibleSteps();
  at = Math.min(index, steps.length - 1);
  for (const step of form.querySelectorAll(':scope > [data-step]')) step.hidden = step !== steps[at];
  const isLast = at === steps.length - 1;
  form.querySelector('[data-next]').hidden = isLast;
  form.querySelector('[data-send]').hidden = !isLast;
  const progress = form.querySelector('[data-progress]');
  progress.hidden = false;
  progress.textContent = word('question_of', { n: at + 1, total: steps.length });
  progress.dataset.done = Math.max(1, Math.round((4 * (at + 1)) / steps.length));
  showFault(form, null);
  if (isLast) review(form);
  if (!isFirst) { scrollTo(0, 0); steps[at].querySelector('[tabindex="-1"], h2')?.focus(); }
}

function next() {
  const fault = faultOf(steps[at], form);
  showFault(form, fault);
  if (fault) return;
  if (steps[at].dataset.step === 'warnings' && isEmergency()) return void onEmergency();
  preselect();
  history.pushState({ step: at + 1 }, '');
  show(at + 1);
}

// "It can wait" is offered, not assumed: only where nothing at all was reported.
function preselect() {
  const answers = answersOf(form);
  const isFine = answers.get('area')?.includes('nowhere') && answers.get('group')?.includes('none');
  if (isFine && !answers.has('feels')) form.querySelector('[name="feels"][value="can_wait"]').checked = true;
}

function onAnswer({ target }) {
  const exclusive = target.closest('[data-exclusive]')?.dataset.exclusive.split(' ');
  if (exclusive && target.checked && ['area', 'group'].includes(target.name)) {
    for (const other of form.querySelectorAll(`[name="${target.name}"]`)) {
      if (other !== target && (exclusive.includes(target.value) || exclusive.includes(other.value))) { other.checked = false; openSigns(other); }
    }
  }
  if (target.name === 'group') openSigns(target);
  if (target.name === 'sign' && target.checked) {
    const unsure = target.closest('.signs').querySelector('[data-unsure]');
    if (unsure) unsure.checked = false;
  }
  if (target.matches('[data-emergency]:checked')) onEmergency();
}

function openSigns(group) {
  const signs = form.querySelector(`[data-signs-of="${group.value}"]`);
  if (!signs) return;
  signs.toggleAttribute('data-closed', !group.checked);
  if (!group.checked) for (const box of signs.querySelectorAll('input')) box.checked = false;
}

function onPress({ target }) {
  if (target.closest('[data-next]')) next();
  if (target.closest('[data-fill-none]')) {
    for (const scale of steps[at].querySelectorAll('.scale')) if (!scale.querySelector(':checked')) scale.querySelector('[value="0"]').checked = true;
  }
}

// A ticked emergency sign, or a group with one in it that the patient cannot rule out.
function isEmergency() {
  const unsure = [...form.querySelectorAll('[name="group"]:checked')].filter((group) => !form.querySelector(`[data-signs-of="${group.value}"] [name="sign"]:checked`));
  return Boolean(form.querySelector('[data-emergency]:checked') || unsure.some((group) => form.querySelector(`[data-signs-of="${group.value}"] [data-emergency]`)));
}

const signGroups = () => Object.fromEntries([...form.querySelectorAll('[name="sign"]')].map((sign) => [sign.value, sign.closest('[data-signs-of]').dataset.signsOf]));
const allAreas = () => [...form.querySelectorAll('[name="area"]')].map((box) => box.value).filter((area) => area !== 'nowhere');
const subjectOf = () => document.body.dataset.subject || document.body.dataset.shellSubject;

async function save(feels) {
  const body = bodyOf(answersOf(form), { subject: subjectOf(), areas: allAreas(), signGroups: signGroups(), feels });
  const entry = { id: form.elements.id.value, subject: body.subject, body, state: 'queued', attempts: 0, tryAt: 0, savedAt: Date.now() };
  await keep(entry);
  navigator.storage?.persist?.();
  askForSync();
  return entry.id;
}

// The call page first; the entry is kept and sent behind it without another tap.
async function onEmergency() {
  const layer = document.querySelector('[data-call-layer]');
  if (!layer.hidden) return;
  form.hidden = true;
  layer.hidden = false;
  document.querySelector('[data-plain-title]').hidden = true;
  document.body.dataset.layer = 'call';
  layer.querySelector('h1').focus();
  await keepAndSend('now', layer.querySelector('[data-call-state]'));
}

async function onSend(event) {
  event.preventDefault();
  const fault = steps.map((step) => faultOf(step, form)).find(Boolean);
  showFault(form, fault);
  if (fault || form.dataset.busy) return;
  form.dataset.busy = 'yes';
  form.querySelector('[data-send]').setAttribute('aria-busy', 'true');
  const id = await keepAndSend(undefined, document.querySelector('[data-done-state]'));
  delete form.dataset.busy;
  form.querySelector('[data-send]').removeAttribute('aria-busy');
  if (!id) return;
  const entry = (await everything()).find((one) => one.id === id);
  if (entry.state === 'sent' && entry.answer.url) location.assign(entry.answer.url);
  else finish();
}

async function keepAndSend(feels, place) {
  let id;
  try { id = await save(feels); } catch {
    showFault(form, { field: '', sentence: word('not_saved') });
    place.textContent = word('not_saved');
    return null;
  }
  const say = async () => {
    const entry = (await everything()).find((one) => one.id === id);
    place.textContent = entry.state === 'sent' ? `${word('sent')} ${timeOf(entry.sentAt)}` : word(entry.state);
    document.querySelector('[data-done-unsent]').hidden = entry.state !== 'queued';
  };
  await say();
  onChange(say);
  await Promise.race([flush({ eager: true }), new Promise((resolve) => { setTimeout(resolve, 6_000); })]).catch(() => {});
  await say();
  return id;
}

function finish() {
  document.querySelector('[data-call-layer]').hidden = true;
  delete document.body.dataset.layer;
  form.hidden = true;
  const done = document.querySelector('section[data-done]');
  done.hidden = false;
  const { feels } = Object.fromEntries(new FormData(form));
  done.querySelector('[data-done-call]').hidden = !(feels === 'now' || form.querySelector('[name="sign"]:checked, [name="group"][value="any"]:checked'));
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
  document.querySelector('[data-call-layer]').hidden = true;
  delete document.body.dataset.layer;
  form.hidden = false;
  document.querySelector('[data-plain-title]').hidden = false;
  show(at);
}
