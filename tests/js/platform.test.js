// Which steps of installing somebody is shown first.
import assert from 'node:assert/strict';
import test from 'node:test';
import { platform } from '../../static/src/js/platform.js';

test('a device is shown the steps that it has', () => {
  const found = [
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15', 5],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15', 5],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15', 0],
    ['Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36', 5],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0', 10],
  ].map(([userAgent, maxTouchPoints]) => platform({ userAgent, maxTouchPoints }));
  assert.deepEqual(found, ['ios', 'ios', 'computer', 'android', 'computer']);
});
