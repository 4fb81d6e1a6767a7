// The check-in, one question at a time. The page works without it as one long form.
import { answersOf, faultOf, review, showFault } from './answers.js';
import { dropDraft, keepDraft, offerLast, restoreDraft } from './draft.js';
import { onEmergency, startEntry, subjectOf } from './entry.js';
import { word } from './words.js';

let form;
let steps;
let at = 0;

export async function startCheckIn() {
  form = document.querySelector('form[data-check-in]');
  // Without a secure address the browser has no cipher to keep anything with: the form is sent as a form.
  if (!form || !globalThis.crypto?.subtle || (document.body.dataset.page === 'shell' && !document.body.dataset.shellSubject)) return;
  for (const part of document.querySelectorAll('[data-with-script]')) part.hidden = false;
  for (const part of document.querySelectorAll('[data-without-script]')) part.hidden = true;
  form.elements.noted_at.value = new Date().toISOString(); // by the phone's clock, as `sent_at` is: the server measures its skew
  form.addEventListener('change', onAnswer);
  form.addEventListener('click', onPress);
  addEventListener('popstate', (event) => show(event.state?.step ?? 0));
  startEntry(form, { steps: () => steps, showQuestions: () => show(at) });
  // With one question at a time the question is the title that is seen.
  document.querySelector('[data-plain-title]')?.classList.add('nhsuk-u-visually-hidden');
  history.replaceState({ step: 0 }, '');
  openAllSigns();
  show(0, { isFirst: true });
  await takeUpDraft(await restoreDraft(form, subjectOf()).catch(() => null));
  form.addEventListener('input', keepAnswers);
  form.addEventListener('change', keepAnswers);
}

async function takeUpDraft(step) {
  if (step === null) return void await offerLast(form, subjectOf()).catch(() => {});
  document.querySelector('[data-restored]').hidden = false;
  document.querySelector('[data-start-again]').addEventListener('click', startAgain);
  openAllSigns();
  history.replaceState({ step }, '');
  show(step, { isFirst: true });
  if (form.querySelector('[data-emergency]:checked')) onEmergency(); // never a warning sign without its call page
}

const keepAnswers = () => { if (!form.hidden) keepDraft(form, { subject: subjectOf(), step: at }); };

async function startAgain() {
  form.reset();
  form.elements.id.value = crypto.randomUUID();
  openAllSigns();
  form.dispatchEvent(new Event('change'));
  await dropDraft(subjectOf());
  document.querySelector('[data-restored]').hidden = true;
  show(0);
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
  keepAnswers();
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

function openAllSigns() {
  for (const group of form.querySelectorAll('[name="group"]')) openSigns(group);
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
