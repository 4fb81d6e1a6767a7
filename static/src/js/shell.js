// The page that opens without a network: impersonal in the cache, personal parts from the phone's own store.
import { known } from './store.js';
import { momentOf, word } from './words.js';

// What each place shows, the pages below it too; any other shows the start page with all that one looks up.
const PARTS = { call: 'call', sessions: 'sessions', aftercare: 'aftercare', reactions: 'entries' };
const FORM = '/reactions/new';

export async function startShell() {
  if (document.body.dataset.page !== 'shell') return;
  const sayOnline = (isOnline) => show('[data-shell-online]', isOnline);
  addEventListener('online', () => sayOnline(true));
  addEventListener('offline', () => sayOnline(false));
  navigator.serviceWorker?.addEventListener('message', ({ data }) => sayOnline(data === 'online')); // the worker's late answer
  const person = await known('person').catch(() => null);
  if (!person?.subject) return;
  document.body.dataset.shellSubject = person.subject;
  for (const [selector, isShown] of [['[data-shell-nobody]', false], ['[data-shell-person]', true], ['[data-shell-tabs]', true], ['.masthead__call', true]]) show(selector, isShown);
  const form = document.querySelector('form[data-check-in]');
  form.elements.id.value = crypto.randomUUID();
  fillNumbers(person);
  fillParts(person);
  keepTreatedAreas(form, person.areas);
  copyPattern(form);
  askOwnSigns(form, person.groups);
  if (person.plausible) [form.elements.temperature_c.dataset.low, form.elements.temperature_c.dataset.high] = person.plausible;
  const openForm = () => { show('[data-shell-start]', false); show('[data-shell-form]', true); show('[data-shell-tabs]', false); };
  document.querySelector('[data-shell-check-in]').addEventListener('click', openForm);
  if (location.pathname === FORM) openForm();
}

function show(selector, isShown) {
  document.querySelector(selector).hidden = !isShown;
}

function fillNumbers({ phone, phone_href: phoneHref, out_of_hours: closed, out_of_hours_href: closedHref, emergency }) {
  for (const [name, text, href] of [['clinic', phone, phoneHref], ['out_of_hours', closed, closedHref]]) {
    for (const link of document.querySelectorAll(`[data-call="${name}"]`)) {
      link.hidden = !text;
      link.href = href;
      link.querySelector('[data-call-text]').textContent = text;
    }
  }
  for (const link of document.querySelectorAll('[data-call="emergency"]')) {
    link.href = `tel:${emergency}`;
    link.querySelector('strong').textContent = word('call_number', { number: emergency });
  }
}

function fillParts({ sessions, aftercare, asOf }) {
  const holds = aftercare.filter((one) => Date.parse(one.ends_at) > Date.now());
  list('[data-shell-sessions]', sessions.map(({ line, state }) => [['span', line], ['strong', state]]));
  list('[data-shell-aftercare]', holds.map(({ line, until }) => [['strong', line], ['span', until]]));
  document.querySelector('[data-shell-as-of]').textContent = momentOf(asOf);
  const place = location.pathname.split('/')[1];
  const wanted = location.pathname === FORM ? undefined : PARTS[place];
  for (const part of document.querySelectorAll('[data-shell-part]')) {
    const { shellPart: name } = part.dataset;
    const isEmpty = part.querySelector('ul') && !part.querySelector('li');
    part.hidden = isEmpty || (wanted ? wanted !== name : name === 'entries');
  }
  const tab = wanted === 'entries' ? '' : place;
  if (!tab || wanted) document.querySelector(`nav a[href="/${tab}"]`)?.setAttribute('aria-current', 'page');
}

function list(selector, rows) {
  document.querySelector(selector).replaceChildren(...rows.map((parts) => {
    const row = document.createElement('li');
    row.append(...parts.map(([name, textContent]) => Object.assign(document.createElement(name), { textContent })));
    return row;
  }));
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

// The page asks the shipped protocol's warning signs; the clinic may ask others. The first group is the pattern for all.
function askOwnSigns(form, groups) {
  if (!groups?.length) return;
  const shipped = [...form.querySelectorAll('[data-signs-of]')].map((signs) => [form.querySelector(`[name="group"][value="${signs.dataset.signsOf}"]`).closest('label'), signs]);
  const [[choice, signs]] = shipped;
  groups.forEach((group, number) => choice.before(...groupFrom(choice, signs, group, number ? `group-${group.id}` : 'group')));
  for (const part of shipped.flat()) part.remove();
}

function groupFrom(choice, signs, { id, line, signs: own }, boxId) {
  const box = filled(choice, id, line, boxId);
  const list = signs.cloneNode(true);
  list.dataset.signsOf = id;
  list.setAttribute('aria-label', line);
  const [first, ...others] = [...list.querySelectorAll('[name="sign"]')].map((sign) => sign.closest('label'));
  for (const sign of own) {
    const copy = filled(first, sign.id, sign.line, `sign-${sign.id}`);
    copy.querySelector('input').toggleAttribute('data-emergency', sign.is_emergency);
    first.before(copy);
  }
  for (const label of [first, ...others]) label.remove();
  return [box, list];
}

function filled(label, value, text, id) {
  const copy = label.cloneNode(true);
  Object.assign(copy.querySelector('input'), { value, id });
  copy.querySelector('span').textContent = text;
  return copy;
}
