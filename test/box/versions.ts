// How another version of the package is made, whole or broken, and how its publisher signs it.

import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { must } from '../../appliance/lab/processes/process.ts';
import { makeUpdate } from '../../appliance/update/bundle.ts';
import { packagePath } from './box-disk.ts';

/** The package's own daemon, inside the package. */
export const DAEMON = 'usr/lib/leakguard/dist/appliance/daemon/main.js';

export interface OtherVersion {
  readonly version: string;
  /** What one file of it says instead. */
  readonly changed?: { readonly path: string; readonly text: string };
}

/** The package under test under another version; gives the new package's path in `folder`. */
export async function otherVersion({ version, changed }: OtherVersion, folder: string): Promise<string> {
  const tree = mkdtempSync(join(tmpdir(), 'leakguard-version-'));
  try {
    await must(['dpkg-deb', '--raw-extract', packagePath(), tree]);
    const control = join(tree, 'DEBIAN', 'control');
    writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${version}`));
    // What its daemon says of itself: an update is kept when the new version says that it sees.
    const said = join(tree, 'usr/lib/leakguard/package.json');
    writeFileSync(said, JSON.stringify({ ...(JSON.parse(readFileSync(said, 'utf8')) as object), version }));
    if (changed !== undefined) writeFileSync(join(tree, changed.path), changed.text);
    const deb = join(folder, `leakguard_${version}_amd64.deb`);
    await must(['dpkg-deb', '--root-owner-group', '-Zgzip', '-z1', '--build', tree, deb]);
    return deb;
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

/** What the package says that it is. */
export async function versionOf(deb: string): Promise<string> {
  return (await must(['dpkg-deb', '--field', deb, 'Version'])).stdout.trim();
}

/** Who signs, and what a box must have to believe it. */
export class Publisher {
  readonly #key = generateKeyPairSync('ed25519').privateKey;

  get publicPem(): string {
    return String(createPublicKey(this.#key).export({ type: 'spki', format: 'pem' }));
  }

  /** The file that boxes take; written to `path`. */
  sign(deb: string, version: string, path: string): string {
    writeFileSync(path, makeUpdate({ version, architecture: 'amd64' }, readFileSync(deb), this.#key));
    return path;
  }
}
