// What tests of updates share: a folder of their own, keys, and what is refused by which code.

import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach } from 'vitest';

import { UpdateError } from '../../../appliance/update/bundle.ts';

export const pem = (key: KeyObject): string => String(key.export({ type: 'spki', format: 'pem' }));
export const owner = generateKeyPairSync('ed25519');
export const KEYS = [pem(owner.publicKey)];

/** A folder that is new for each test and gone after it; asked for when the test runs. */
export function ownFolder(name: string): () => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), name));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  return () => folder;
}

/** The code of the refusal, or `taken`; what is no refusal is a fault of the test or the product. */
export function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof UpdateError) return error.code;
    throw error;
  }
  return 'taken';
}
