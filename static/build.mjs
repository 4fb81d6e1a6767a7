// Builds static/dist: `npm ci && npm run build`. The same sources give the same bytes, so dist is committed and running needs no Node.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import * as sass from 'sass';
import { toLogical } from './src/css/logical.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const SRC = path.join(HERE, 'src');
const OUT = path.join(HERE, 'dist');
const BROWSERS = ['chrome109', 'firefox115', 'safari16.4'];
// What the service worker keeps, beside the offline page: impersonal, and needed to log a reaction without network.
const PRECACHE = ['app.css', 'app.js', 'icon.svg', 'icon-192.png', 'badge-96.png'];

const built = { files: {}, sri: {}, precache: PRECACHE };

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
put('app.css', await styles());
for (const [name, format] of [['app.js', 'esm'], ['access.js', 'esm'], ['console.js', 'esm'], ['sw.js', 'iife']]) put(name, await script(name, format));
for (const name of readdirSync(path.join(SRC, 'icons')).filter((n) => /\.(svg|png)$/.test(n)).sort()) put(name, readFileSync(path.join(SRC, 'icons', name)));
for (const name of readdirSync(path.join(SRC, 'screens')).sort()) put(name, readFileSync(path.join(SRC, 'screens', name)));
put('manifest.webmanifest', webManifest());
writeFileSync(path.join(OUT, 'manifest.json'), `${JSON.stringify(built, null, 1)}\n`);

function put(name, content) {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 10);
  const { name: stem, ext } = path.parse(name);
  built.files[name] = `${stem}-${hash}${ext}`;
  built.sri[name] = `sha384-${createHash('sha384').update(content).digest('base64')}`;
  writeFileSync(path.join(OUT, built.files[name]), content);
}

async function styles() {
  const { css } = sass.compile(path.join(SRC, 'css', 'app.scss'), {
    loadPaths: [path.join(HERE, 'node_modules', 'nhsuk-frontend', 'dist')],
    style: 'expanded',
  });
  const { code } = await transform(toLogical(css), { loader: 'css', minify: true, target: BROWSERS, legalComments: 'none' });
  return code;
}

async function script(name, format) {
  const { outputFiles } = await build({
    entryPoints: [path.join(SRC, 'js', name)],
    bundle: true, minify: true, write: false, format, target: BROWSERS, legalComments: 'none', logLevel: 'warning',
  });
  return outputFiles[0].text;
}

function webManifest() {
  const manifest = JSON.parse(readFileSync(path.join(SRC, 'manifest.json'), 'utf8'));
  const resolve = (icon) => ({ ...icon, src: `/static/dist/${built.files[icon.src]}` });
  manifest.icons = manifest.icons.map(resolve);
  manifest.screenshots = manifest.screenshots.map(resolve);
  manifest.shortcuts = manifest.shortcuts.map((shortcut) => ({ ...shortcut, icons: shortcut.icons.map(resolve) }));
  return `${JSON.stringify(manifest, null, 1)}\n`;
}
