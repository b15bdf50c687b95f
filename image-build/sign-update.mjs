// Knows: `npm run sign-update -- PACKAGE KEY [--downgrade-from VERSION]…`: from a package and its publisher's private key to the
// file that boxes take. Must not know: what a box does with it. KEY is Ed25519 in PEM; without KEY's file a pair is made, and the
// public half shown. A box takes a version older than its own only when it is named here.

import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { must, say } from './debian-tree.mjs';

const BUNDLE = pathToFileURL(
  join(import.meta.dirname, '..', 'dist', 'appliance', 'update', 'bundle.js'),
).href;

/** @typedef {typeof import('../appliance/update/bundle.ts')} Bundle */

/** @param {string} path */
function privateKey(path) {
  if (!existsSync(path)) {
    const { privateKey: key } = generateKeyPairSync('ed25519');
    writeFileSync(path, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    say(`${path}: a new key; keep it where no box and no network is`);
  }
  return createPrivateKey(readFileSync(path));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'downgrade-from': { type: 'string', multiple: true, default: [] } },
});
const [deb, keyPath] = positionals;
if (deb === undefined || keyPath === undefined) {
  say('npm run sign-update -- PACKAGE.deb KEY.pem [--downgrade-from VERSION]…');
  process.exitCode = 2;
} else {
  const loaded = /** @type {unknown} */ (await import(BUNDLE));
  const { makeUpdate } = /** @type {Bundle} */ (loaded);
  const key = privateKey(keyPath);
  const field = async (/** @type {string} */ name) => (await must('dpkg-deb', ['--field', deb, name])).trim();
  const head = {
    version: await field('Version'),
    architecture: await field('Architecture'),
    downgradeFrom: values['downgrade-from'],
  };
  const path = deb.replace(/(?:\.deb)?$/, '.update');
  writeFileSync(path, makeUpdate(head, readFileSync(deb), key));
  say(`${path}; boxes take it that have this in /etc/leakguard-update/NAME.pem:`);
  process.stdout.write(createPublicKey(key).export({ type: 'spki', format: 'pem' }));
}
