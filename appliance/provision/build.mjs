// Knows: how sources become dist/, and when dist/ is out of date. Must not know: what it is run for.
// `npm run build` is this file. The page's templates and assets go along: dist/ is all that a box gets.

import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyAssets } from './assets.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */

const SOURCES = ['src', 'appliance', 'web', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
/** Its time is when the last good build began: what was written during it is built next time. */
const STAMP = join('dist', '.built');

/**
 * @param {string} path a file, or a folder with all that is in it; what is not there was never changed
 * @returns {number} the latest time of change, in ms
 */
function lastChange(path) {
  if (!existsSync(path)) return 0;
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, lastChange(join(path, name))), mtimeMs);
}

/**
 * @param {string} root
 * @returns {boolean}
 */
export function isStale(root) {
  const stamp = join(root, STAMP);
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  return SOURCES.some((path) => lastChange(join(root, path)) > built);
}

/**
 * Compiles and copies; a failed build leaves no stamp, and so is tried again.
 * @param {Machine} machine
 * @returns {Promise<string>} what went wrong; empty when nothing did
 */
export async function build({ root, execPath, run }) {
  const began = new Date();
  rmSync(join(root, STAMP), { force: true });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, output } = await run(execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root });
  if (code !== 0) return `tsc failed:\n${output.trim()}`;
  const bundle = await run(execPath, [join('appliance', 'provision', 'bundle.mjs')], { cwd: root });
  if (bundle.code !== 0) return `bundling failed:\n${bundle.output.trim()}`;
  copyAssets(root, join(root, 'dist'));
  writeFileSync(join(root, STAMP), '');
  utimesSync(join(root, STAMP), began, began);
  return '';
}
