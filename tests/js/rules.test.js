// The phone's pure decisions: `node --test tests/js`.
import assert from 'node:assert/strict';
import test from 'node:test';
import { bodyOf, fieldsOf, isDecimal, isLostAtClinic, meaningOf, patienceMs, waitMs, SYMPTOMS } from '../../static/src/js/rules.js';

test('only JSON with our own id and 200 or 201 means sent', () => {
  assert.equal(meaningOf(201, { id: 'a' }, 'a'), 'sent');
  assert.equal(meaningOf(200, { id: 'a' }, 'a'), 'sent');
  for (const [status, body] of [[200, null], [200, { id: 'b' }], [204, null], [302, null], [500, null], [503, { error: 'busy' }], [429, null], [404, null]]) {
    assert.equal(meaningOf(status, body, 'a'), 'queued');
  }
});

test('who is signed in decides between waiting for a sign-in and for another person', () => {
  assert.equal(meaningOf(401, null, 'a'), 'needs_sign_in');
  assert.equal(meaningOf(403, { error: 'other_person' }, 'a'), 'other_person');
  assert.equal(meaningOf(403, null, 'a'), 'queued');
});

test('a refusal by our own server is told, one by a stranger is not believed', () => {
  for (const status of [400, 409, 413, 422]) {
    assert.equal(meaningOf(status, { error: 'invalid' }, 'a'), 'refused');
    assert.equal(meaningOf(status, null, 'a'), 'queued');
  }
});

test('waits grow, never beyond seven and a half minutes unless the server asks for it', () => {
  assert.ok(waitMs(1, 0) < waitMs(5, 0));
  assert.ok(waitMs(50, 1) <= 450_000);
  assert.equal(waitMs(1, 0, 600), 600_000);
});

const options = { subject: 's', areas: ['face', 'neck'], signGroups: { breathing_difficulty: 'breathing' } };

test('nowhere means zero in every treated area', () => {
  const body = bodyOf(new Map([['area', ['nowhere']], ['group', ['none']], ['feels', ['can_wait']]]), options);
  assert.deepEqual(Object.keys(body.areas), ['face', 'neck']);
  assert.ok(SYMPTOMS.every((symptom) => body.areas.face[symptom] === 0));
  assert.deepEqual(body.warnings, { none: true, signs: [], not_sure: [] });
});

test('a group without a sign is not sure, with its sign it is that sign', () => {
  const unsure = bodyOf(new Map([['area', ['nowhere']], ['group', ['breathing']]]), options);
  assert.deepEqual(unsure.warnings, { none: false, signs: [], not_sure: ['breathing'] });
  const sure = bodyOf(new Map([['area', ['nowhere']], ['group', ['breathing']], ['sign', ['breathing_difficulty']]]), options);
  assert.deepEqual(sure.warnings, { none: false, signs: ['breathing_difficulty'], not_sure: [] });
});

test('a drawn line is inside, past, or not there', () => {
  const lineOf = (value) => bodyOf(new Map([['area', ['face']], ['face.line', [value]]]), options).areas.face.past_line;
  assert.deepEqual(['past', 'inside', '', undefined].map(lineOf), [true, false, null, null]);
});

test('decimals are read with comma or point', () => {
  assert.ok(isDecimal('37,5') && isDecimal('37.5') && isDecimal(''));
  assert.ok(!isDecimal('warm') && !isDecimal('1e9'));
});

const report = (grades, patch = null) => ({ ...Object.fromEntries(SYMPTOMS.map((symptom) => [symptom, grades[symptom] ?? 0])), patch_cm: patch });

test('the last entry fills in areas, grades and sizes, and nothing else', () => {
  const fields = fieldsOf({ areas: { face: report({ redness: 2 }, 3.5), neck: report({}) }, warnings: { signs: ['breathing_difficulty'] }, temperature_c: 39, words: 'hot' });
  assert.deepEqual(fields.filter(([name]) => name === 'area').map(([, value]) => value), ['face', 'neck']);
  assert.equal(new Map(fields).get('face.redness'), '2');
  assert.equal(new Map(fields).get('face.patch_cm'), '3.5');
  assert.ok(!fields.some(([name]) => ['sign', 'group', 'temperature_c', 'words', 'feels'].includes(name)));
});

test('a measured swelling is sent beside the patch, and filled in again', () => {
  const given = new Map([['area', ['face']], ['face.patch', ['4']], ['face.swelling_cm', ['3,5']]]);
  const { areas } = bodyOf(given, options);
  assert.deepEqual([areas.face.patch_cm, areas.face.swelling_cm], [4, 3.5]);
  assert.equal(new Map(fieldsOf({ areas: { face: { ...report({}), swelling_cm: 3.5 } } })).get('face.swelling_cm'), '3.5');
});

test('an entry with nothing in it is "nowhere" again', () => {
  assert.deepEqual(fieldsOf({ areas: { face: report({}), neck: report({}) } }), [['area', 'nowhere']]);
  assert.notDeepEqual(fieldsOf({ areas: { face: report({}, 2) } }), [['area', 'nowhere']]);
});

test('what the server once had and does not know is lost there, for thirty days', () => {
  const sent = { id: 'a', state: 'sent', sentAt: 0 };
  assert.ok(isLostAtClinic(sent, new Map(), 1));
  assert.ok(!isLostAtClinic(sent, new Map([['a', {}]]), 1));
  assert.ok(!isLostAtClinic({ ...sent, state: 'queued' }, new Map(), 1));
  assert.ok(!isLostAtClinic(sent, new Map(), 31 * 86_400_000));
});

test('a page that the phone can show itself may keep nobody waiting', () => {
  for (const path of ['/', '/call', '/reactions/new', '/reactions/5f2b', '/sessions', '/inbox']) assert.ok(patienceMs(path) < 5_000);
  for (const path of ['/console/cases/5f2b', '/sign-in', '/caller']) assert.ok(patienceMs(path) > 10_000);
});
