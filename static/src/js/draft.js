// What is filled in and not sent yet survives a killed browser, and the last entry's grades can be taken over.
import { fieldsOf } from './rules.js';
import { contentOf, forget, known, learn, ofPerson } from './store.js';
import { dayAndTimeOf, word } from './words.js';

const HOLDS_MS = 12 * 3_600_000; // what was so in the morning is asked anew in the evening
const LAST_MS = 3 * 86_400_000;
const OWN = ['id', 'noted_at'];

let wanted = null;
let writing = null;

// Keeps the newest state of the form; while one is written, only the last of the others is kept after it.
export function keepDraft(form, { subject, step }) {
  wanted = { subject, id: form.elements.id.value, step, at: Date.now(), fields: [...new FormData(form)].filter(([name]) => !OWN.includes(name)) };
  writing ??= writeWanted();
}

async function writeWanted() {
  while (wanted) {
    const draft = wanted;
    wanted = null;
    await learn(`draft:${draft.subject}`, draft).catch(() => {}); // a full phone says so when the entry itself is kept
  }
  writing = null;
}

export async function dropDraft(subject) {
  wanted = null;
  await writing;
  await forget(`draft:${subject}`).catch(() => {});
}

// Fills the form with what was kept for this person; says at which step they were, null where there is nothing. The form
// keeps its own id: the one that the draft comes from may still be open in another tab, and be sent from there.
export async function restoreDraft(form, subject) {
  const draft = await known(`draft:${subject}`).catch(() => null);
  if (!draft?.fields.length || Date.now() - draft.at > HOLDS_MS) return null;
  if ((await ofPerson(subject)).some((entry) => entry.id === draft.id)) return null; // killed between "saved" and the end of its draft
  fill(form, draft.fields);
  return draft.step;
}

// Offers the grades of the last entry; the patient goes through them, and answers the warning signs anew.
export async function offerLast(form, subject) {
  const panel = form.querySelector('[data-same]');
  const last = (await ofPerson(subject)).sort((a, b) => b.savedAt - a.savedAt)[0];
  const content = last && Date.now() - last.savedAt < LAST_MS ? await contentOf(last) : null;
  if (!content) return;
  panel.hidden = false;
  panel.querySelector('[data-same-time]').textContent = dayAndTimeOf(last.savedAt);
  panel.querySelector('button').addEventListener('click', () => {
    for (const box of form.querySelectorAll('[name="area"]')) box.checked = false;
    fill(form, fieldsOf(content.body));
    panel.querySelector('[data-same-said]').textContent = word('same_filled');
  });
}

function fill(form, fields) {
  for (const [name, value] of fields) {
    for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (!['checkbox', 'radio'].includes(field.type)) field.value = value;
      else if (field.value === value) field.checked = true;
    }
  }
  for (const details of form.querySelectorAll('details')) if (details.querySelector('[value]:not([value=""]):checked')) details.open = true;
  form.dispatchEvent(new Event('change'));
}
