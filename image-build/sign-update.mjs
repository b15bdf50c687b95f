// `npm run sign-update -- PACKAGE KEY [--downgrade-from VERSION]…` makes an update file from a package and the publisher's private key
// (Ed25519, PEM). If the file KEY does not exist, a key pair is generated. The public key is printed. A box installs an older version than its
// own only if its own version is named with --downgrade-from.

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
    say(`${path}: a new key; keep it offline and away from any box`);
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
  say(`${path}: accepted by boxes that have this key in /etc/leakguard-update/NAME.pem:`);
  process.stdout.write(createPublicKey(key).export({ type: 'spki', format: 'pem' }));
}
