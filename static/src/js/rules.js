// Pure decisions of the phone: what an answer of the server means, when to try again, what an entry holds.
export const SYMPTOMS = ['swelling', 'bruising', 'redness', 'pain', 'itch', 'bumps', 'numbness'];

// "Sent" needs 200 or 201, JSON, and our own id in it: a captive portal's page or a sign-in form is none of these.
export function meaningOf(status, body, id) {
  if ((status === 200 || status === 201) && body && body.id === id) return 'sent';
  if (status === 401) return 'needs_sign_in';
  if (status === 403 && body?.error === 'other_person') return 'other_person';
  if ([400, 409, 413, 422].includes(status) && body) return 'refused';
  return 'queued';
}

// Seconds doubling from 2 to 300, spread by `random` (0 to 1); longer if the server asks for it.
export function waitMs(attempts, random, retryAfterSeconds = 0) {
  const step = Math.min(300, 2 ** Math.min(attempts, 9)) * (0.5 + random);
  return 1000 * Math.max(step, Math.min(retryAfterSeconds, 3600));
}

const ASKED_BACK_MS = 30 * 86_400_000;

// An entry that the server once had and now does not know: it was restored from a backup. `states` are those it knows.
export const isLostAtClinic = (entry, states, now) => entry.state === 'sent' && now - entry.sentAt < ASKED_BACK_MS && !states.has(entry.id);

// What the phone shows by itself comes soon where the network is slow; for any other page that would be no help.
const KEPT = ['', 'call', 'sessions', 'aftercare', 'reactions', 'inbox'];
export const patienceMs = (pathname) => (KEPT.includes(pathname.split('/')[1]) ? 3_000 : 20_000);

const decimal = (text) => (text?.trim() ? Number(text.trim().replace(',', '.')) : null);
export const isDecimal = (text) => !text?.trim() || /^\d{1,3}([.,]\d{1,2})?$/.test(text.trim());

// The body of PUT /reactions/<id>, from the form's fields (name -> list of values). `signGroups` maps a sign to its group.
export function bodyOf(fields, { subject, areas, signGroups, feels }) {
  const all = (name) => fields.get(name) ?? [];
  const one = (name) => all(name)[0];
  const groups = all('group');
  const signs = all('sign');
  const explained = new Set(signs.map((sign) => signGroups[sign]));
  return {
    subject,
    noted_at: one('noted_at'),
    areas: Object.fromEntries(reportedAreas(all('area'), areas).map((area) => [area, reportOf(area, one, all('area').includes('nowhere'))])),
    temperature_c: decimal(one('temperature_c')),
    warnings: {
      none: groups.length === 1 && groups[0] === 'none' && !signs.length,
      signs,
      not_sure: groups.filter((group) => group !== 'none' && !explained.has(group)),
    },
    feels: feels ?? one('feels'),
    words: (one('words') ?? '').trim(),
  };
}

function reportedAreas(ticked, areas) {
  return ticked.includes('nowhere') ? areas : ticked;
}

function reportOf(area, one, isFine) {
  const grades = Object.fromEntries(SYMPTOMS.map((symptom) => [symptom, isFine ? 0 : Number(one(`${area}.${symptom}`))]));
  const patch = isFine ? '' : one(`${area}.patch`);
  const line = { inside: false, past: true }[isFine ? '' : one(`${area}.line`)] ?? null;
  const sizes = { patch_cm: isFine ? null : decimal(one(`${area}.patch_cm`)), swelling_cm: isFine ? null : decimal(one(`${area}.swelling_cm`)) };
  if (['2', '4', '8'].includes(patch)) sizes.patch_cm = Number(patch);
  return { ...grades, ...sizes, past_line: line };
}

// An earlier entry's areas, grades and sizes as fields of the form; never its warning signs, temperature or words.
export function fieldsOf(body) {
  const areas = Object.entries(body.areas);
  const isNothing = ([, report]) => SYMPTOMS.every((symptom) => report[symptom] === 0) && !report.patch_cm && !report.swelling_cm;
  if (areas.every(isNothing)) return [['area', 'nowhere']];
  return areas.flatMap(([area, report]) => [['area', area], ...SYMPTOMS.map((symptom) => [`${area}.${symptom}`, String(report[symptom])]), ...sizeOf(area, report)]);
}

function sizeOf(area, { patch_cm: size, swelling_cm: swelling }) {
  const fields = swelling ? [[`${area}.swelling_cm`, String(swelling)]] : [];
  if (!size) return fields;
  const patch = [2, 4, 8].includes(size) ? [[`${area}.patch`, String(size)]] : [[`${area}.patch`, 'measured'], [`${area}.patch_cm`, String(size)]];
  return [...patch, ...fields];
}
