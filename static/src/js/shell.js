// The page that opens without a network: impersonal in the cache, personal parts from the phone's own store.
import { known } from './store.js';
import { word } from './words.js';

export async function startShell() {
  if (document.body.dataset.page !== 'shell') return;
  const person = await known('person').catch(() => null);
  if (!person?.subject) return;
  document.body.dataset.shellSubject = person.subject;
  show('[data-shell-nobody]', false);
  show('[data-shell-person]', true);
  const form = document.querySelector('form[data-check-in]');
  form.elements.id.value = crypto.randomUUID();
  form.elements.noted_at.value = new Date().toISOString();
  fillNumbers(person);
  keepTreatedAreas(form, person.areas);
  copyPattern(form);
  const openForm = () => { show('[data-shell-start]', false); show('[data-shell-form]', true); };
  document.querySelector('[data-shell-check-in]').addEventListener('click', openForm);
  if (location.pathname.startsWith('/reactions')) openForm();
}

function show(selector, isShown) {
  document.querySelector(selector).hidden = !isShown;
}

function fillNumbers({ phone, phoneHref, emergency }) {
  for (const link of document.querySelectorAll('[data-call="clinic"]')) {
    link.hidden = !phone;
    link.href = phoneHref;
    link.querySelector('[data-call-text]').textContent = phone;
  }
  for (const link of document.querySelectorAll('[data-call="emergency"]')) {
    link.href = `tel:${emergency}`;
    link.querySelector('strong').textContent = word('call_number', { number: emergency });
  }
}

function keepTreatedAreas(form, areas) {
  for (const box of form.querySelectorAll('[name="area"]')) {
    if (areas?.length && box.value !== 'nowhere' && !areas.includes(box.value)) box.closest('label').remove();
  }
}

// The page holds the questions about an area once; here they are copied for each area that is left.
function copyPattern(form) {
  const pattern = form.querySelector('[data-step="symptoms:AREA"]');
  for (const box of form.querySelectorAll('[name="area"]')) {
    if (box.value === 'nowhere') continue;
    const label = box.closest('label').querySelector('span').textContent.trim();
    pattern.insertAdjacentHTML('beforebegin', pattern.outerHTML.replaceAll('AREA', box.value).replaceAll('LABEL', label));
  }
  pattern.remove();
}
