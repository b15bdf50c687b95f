// Builds dist/ from the sources (`npm run build`), and decides when it is out of date. The page's templates and assets are copied, too: a
// box gets nothing but dist/.

import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyAssets } from './assets.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */

const SOURCES = ['src', 'appliance', 'web', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
/** Its modification time is the start of the last successful build, so that changes made during a build are built next time. */
const STAMP = join('dist', '.built');

/**
 * @param {string} path a file, or a folder including its contents
 * @returns {number} the latest modification time in milliseconds; 0 when the path does not exist
 */
function lastChange(path) {
  if (!existsSync(path)) return 0;
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, lastChange(join(path, name))), mtimeMs);
}

/**
 * Whether any source is newer than dist/ by the time of its file, or dist/ was never completed. Throws file system errors.
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
 * Compiles, bundles and copies. A failed build leaves no stamp, so that it is tried again. Rejects with file system errors.
 * @param {Machine} machine
 * @returns {Promise<string>} the error; empty on success
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
