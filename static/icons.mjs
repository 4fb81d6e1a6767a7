// Draws the PNG icons from src/icons/icon.svg with Chromium: `CHROMIUM=/usr/bin/chromium node icons.mjs`. Needed only when the mark changes.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = path.join(path.dirname(fileURLToPath(import.meta.url)), 'src', 'icons');
const mark = readFileSync(path.join(FOLDER, 'icon.svg'), 'utf8');
// A maskable or Apple icon is cut by the system, so it has no round corners and keeps the mark in the middle 80 %.
const full = mark.replace('rx="15"', 'rx="0"');
const maskable = full.replace('viewBox="0 0 64 64"', 'viewBox="-8 -8 80 80"').replace('<rect width="64" height="64"', '<rect x="-8" y="-8" width="80" height="80"');
// Android paints the badge in one colour: only its shape counts.
const badge = mark.replace(/<rect[^>]*>/, '').replace('viewBox="0 0 64 64"', 'viewBox="8 8 48 48"').replace('stroke="#0e5a61"', 'stroke="#000"').replace(/fill="#f3f7f6"/, 'fill="#fff" mask="url(#m)"')
  .replace(/<path d="M22[^>]*>/, '<mask id="m"><rect width="64" height="64" fill="#fff"/>$&</mask>');

const scratch = mkdtempSync(path.join(tmpdir(), 'icons-'));
draw('icon-180.png', full, 180);
draw('icon-192.png', mark, 192);
draw('icon-512.png', mark, 512);
draw('icon-maskable-512.png', maskable, 512);
draw('badge-96.png', badge, 96);
rmSync(scratch, { recursive: true });

function draw(name, svg, size) {
  const page = path.join(scratch, 'icon.html');
  writeFileSync(page, `<style>*{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`);
  execFileSync(process.env.CHROMIUM ?? 'chromium', [
    '--headless', '--no-sandbox', '--hide-scrollbars', '--default-background-color=00000000', `--window-size=${size},${size}`,
    `--user-data-dir=${path.join(scratch, 'profile')}`, `--screenshot=${path.join(FOLDER, name)}`, `file://${page}`,
  ], { stdio: 'ignore' });
}
