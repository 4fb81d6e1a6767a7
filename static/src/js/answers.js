// Reads the form's answers, checks one question, shows a fault beside it, and lists the answers before they are sent.
import { isDecimal } from './rules.js';
import { word } from './words.js';

export function answersOf(form) {
  const fields = new Map();
  for (const [name, value] of new FormData(form)) fields.set(name, [...(fields.get(name) ?? []), value]);
  return fields;
}

// The first fault of a question: {field, sentence}, or null.
export function faultOf(step, form) {
  const answers = answersOf(form);
  const [kind] = step.dataset.step.split(':');
  if (kind === 'areas' && !answers.has('area')) return { field: 'area', sentence: word('no_area') };
  if (kind === 'symptoms') return faultOfArea(step);
  if (kind === 'warnings') {
    if (!answers.has('group') && !answers.has('sign')) return { field: 'group', sentence: word('no_warning') };
    return faultOfTemperature(form.elements.temperature_c, form.elements.temperature_asked);
  }
  if (kind === 'last' && !answers.has('feels')) return { field: 'feels', sentence: word('no_feels') };
  return null;
}

// What the protocol holds for impossible is asked once more; given again, it is taken, and the clinic sees it as it is.
function faultOfTemperature({ value: given, dataset: { low, high } }, asked) {
  const degrees = Number(given.replace(',', '.'));
  if (!isDecimal(given)) return { field: 'temperature_c', sentence: word('bad_temperature') };
  if (!given.trim() || (degrees >= Number(low) && degrees <= Number(high)) || asked.value === given) return null;
  asked.value = given;
  return { field: 'temperature_c', sentence: word('odd_temperature', { given }) };
}

function faultOfArea(step) {
  const open = [...step.querySelectorAll('.scale')].find((scale) => !scale.querySelector(':checked'));
  if (open) return { field: open.dataset.field, sentence: word('no_grade', { label: open.querySelector('legend').textContent.trim() }) };
  const odd = [...step.querySelectorAll('[name$="_cm"]')].find(({ value }) => {
    const cm = Number(value.replace(',', '.'));
    return !isDecimal(value) || (value.trim() && (cm <= 0 || cm > 50));
  });
  if (!odd) return null;
  odd.closest('details').open = true;
  return { field: odd.name, sentence: word('bad_cm') };
}

// One sentence on top, focused, and the same beside the field; null takes both away.
export function showFault(form, fault) {
  const place = document.querySelector('[data-errors]');
  place.replaceChildren();
  for (const old of form.querySelectorAll('[data-fault]')) old.remove();
  document.title = document.title.replace(`${word('error')} `, '');
  if (!fault) return;
  document.title = `${word('error')} ${document.title}`;
  const summary = element('div', { className: 'error-summary', tabIndex: -1 });
  const link = fault.field ? element('a', { href: `#${fault.field}`, textContent: fault.sentence }) : element('span', { textContent: fault.sentence });
  const alert = element('div');
  alert.setAttribute('role', 'alert');
  alert.append(element('h2', { textContent: word('problem') }), link);
  summary.append(alert);
  place.append(summary);
  const field = form.querySelector(`[data-field="${CSS.escape(fault.field)}"]`) ?? document.getElementById(fault.field)?.closest('fieldset, .step');
  const beside = element('p', { className: 'nhsuk-error-message', textContent: fault.sentence });
  beside.dataset.fault = fault.field;
  field?.querySelector('legend, label')?.after(beside);
  summary.focus();
}

export function review(form) {
  const rows = [];
  const answers = answersOf(form);
  const ticked = answers.get('area') ?? [];
  const text = (name, value) => form.querySelector(`[name="${name}"][value="${value}"]`)?.closest('label').querySelector('span').firstChild.textContent ?? value;
  rows.push([word('areas'), ticked.includes('nowhere') ? word('nothing_anywhere') : ticked.map((area) => text('area', area)).join(', ')]);
  for (const step of form.querySelectorAll('[data-step^="symptoms:"]')) {
    if (!ticked.includes(step.dataset.step.slice(9))) continue;
    const found = [...step.querySelectorAll('.scale')].filter((scale) => Number(scale.querySelector(':checked')?.value) > 0);
    rows.push([step.dataset.label, found.map((scale) => `${scale.querySelector('legend').textContent.trim()} ${scale.querySelector(':checked').value}`).join(', ') || word('all_none')]);
  }
  const groups = answers.get('group') ?? [];
  const signs = (answers.get('sign') ?? []).map((sign) => text('sign', sign));
  rows.push([word('warnings'), groups.includes('none') ? word('none_of_these') : [...signs, ...(signs.length ? [] : [word('not_sure')])].join(', ')]);
  if (answers.get('temperature_c')?.[0]) rows.push([word('temperature'), `${answers.get('temperature_c')[0]} °C`]);
  form.querySelector('[data-review]').replaceChildren(...rows.map(([name, value]) => {
    const row = element('div');
    row.append(element('dt', { textContent: name }), element('dd', { textContent: value }));
    return row;
  }));
}

const element = (name, values = {}) => Object.assign(document.createElement(name), values);
