// The entry of every page. Each part looks whether the page has something for it; without any of them all pages still work.
import { startBodyMap } from './bodymap.js';
import { startCheckIn } from './checkin.js';
import { startInstall } from './install.js';
import { startPage } from './page.js';
import { startPush } from './push.js';
import { flushOnEveryOccasion } from './queue.js';
import { startShell } from './shell.js';
import { startWaiting } from './waiting.js';

document.documentElement.classList.add('has-script');
startPage();
startInstall();
await startShell();
startBodyMap();
startCheckIn();
startWaiting();
flushOnEveryOccasion();
startPush();
