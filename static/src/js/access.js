// Beside app.js on the pages that sign somebody in: what the others need not load.
import { startJoin } from './join.js';
import { startPasskeys } from './passkeys.js';

startJoin();
startPasskeys();
