// What `npm run test:box` needs before it can start, and says so when it is not there. `npm run test:box -- [FILE…] [-t NAME]`; BOX_CUTS=20
// for as many power cuts as the issue asks; LEAKGUARD_DEB=PATH for a package that is there already.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { CACHE, say } from '../../image-build/debian-tree.mjs';
import { exitCode, readJson, run } from '../../appliance/provision/machine.mjs';
import { writeResults } from './results.mjs';
import { stockDisk } from './stock-disk.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const GIVEN = process.env['LEAKGUARD_DEB'];
const PROGRAMS = ['qemu-system-x86_64', 'qemu-img', 'mmdebstrap', 'mkfs.ext4', 'nft', 'tcpdump', 'nmap'];

/** @returns {Promise<string>} why nothing can run here; empty when it can */
async function obstacle() {
  if (process.getuid?.() !== 0) return 'network namespaces and Debian trees are made as root';
  const missing = [];
  for (const program of PROGRAMS) {
    const { code } = await run('which', [program]);
    if (code !== 0) missing.push(program);
  }
  return missing.length === 0 ? '' : `${missing.join(', ')} not installed`;
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} [env]
 * @returns {Promise<number>}
 */
function show(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
    child.on('close', (code, signal) => resolve(exitCode(code, signal)));
  });
}

/** @returns {Promise<number>} */
async function main() {
  const why = await obstacle();
  if (why !== '') {
    say(`box: skipped: ${why}`);
    return 0;
  }
  const program = join(ROOT, 'dist', 'appliance', 'lab', 'processes', 'reap.js');
  const steps = [
    ...(existsSync(program) ? [] : [{ what: 'the lab’s programs', words: ['run', 'build'] }]),
    ...(GIVEN === undefined ? [{ what: 'the package', words: ['run', 'package', '--', 'amd64'] }] : []),
  ];
  for (const { what, words } of steps) {
    say(`box: building ${what}`);
    const code = await show('npm', words);
    if (code !== 0) return code;
  }
  const { version } = /** @type {{ version: string }} */ (readJson(join(ROOT, 'package.json')));
  const deb = GIVEN ?? join(ROOT, 'image-build', 'out', `leakguard_${version}_amd64.deb`);
  await stockDisk();
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--project', 'box', '--reporter', 'verbose', ...process.argv.slice(2)];
  const figures = join(CACHE, 'figures.json');
  const env = { LEAKGUARD_DEB: deb, LEAKGUARD_BOX_FIGURES: figures };
  const code = await show(process.execPath, [vitest, ...args], env);
  writeResults(figures);
  return code;
}

process.exitCode = await main();
