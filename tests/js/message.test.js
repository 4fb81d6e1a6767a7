// Every push is understood, however the browser hands it over; what cannot be read is shown all the same.
import assert from 'node:assert/strict';
import test from 'node:test';
import { messageOf } from '../../static/src/js/message.js';

const notification = { title: 'Aftercare Companion', body: 'Time for your check-in.', tag: 'a', lang: 'en', navigate: 'https://a.example/', data: { receipt: '/receipts/x' } };

test('a message is read from its text', () => {
  const found = messageOf({ data: { json: () => ({ web_push: 8030, notification }) } });
  assert.deepEqual([found.title, found.navigate, found.receipt, found.isDeclarative], ['Aftercare Companion', 'https://a.example/', '/receipts/x', undefined]);
});

test('a message that the browser has read itself is taken as it is', () => {
  const found = messageOf({ notification, data: null });
  assert.deepEqual([found.body, found.tag, found.receipt, found.isDeclarative], ['Time for your check-in.', 'a', '/receipts/x', true]);
});

test('what cannot be read leaves nothing undefined behind', () => {
  const unreadable = { json() { throw new SyntaxError('no JSON'); } };
  for (const event of [{ data: null }, {}, { data: unreadable }, { data: { json: () => ({}) } }, { notification: {}, data: null }]) {
    assert.deepEqual(messageOf(event), { receipt: undefined });
  }
});
