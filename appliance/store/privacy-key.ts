// Knows: the key of the hash that stands for names and identities, and that it never leaves the box. Must not know: what is hashed.
// RFC 2104 (HMAC) with SHA-256: without the key a hash cannot be tried against a list of names.

import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { KeyedHash } from '../../src/guard/privacy.ts';
import { writeDurable } from '../durable-file.ts';
import { fileSignature, readRegularFile } from '../regular-file.ts';

const FILE = 'privacy.key';
const BYTES = 32;

export interface KeyReading {
  readonly hash: KeyedHash;
  readonly warning: string | undefined;
  /** Puts the file back where another hand removed or changed it; true when it did. Throws what the file system says. */
  readonly keep: () => boolean;
}

export function privacyKeyIn(stateDir: string): string {
  return join(stateDir, FILE);
}

/** Makes the key at first use. When it cannot be kept, one for this run: hashes of different runs then differ. */
export function readPrivacyKey(stateDir: string): KeyReading {
  const path = privacyKeyIn(stateDir);
  const kept = readKey(path);
  if (kept !== undefined) return { hash: hashWith(kept), warning: undefined, keep: keeperOf(path, kept) };
  const key = randomBytes(BYTES);
  const keep = keeperOf(path, key);
  try {
    writeDurable(path, key.toString('hex'));
    return { hash: hashWith(key), warning: undefined, keep };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const warning = `The key of redacted names cannot be kept (${said}): after a restart the same name looks like another.`;
    return { hash: hashWith(key), warning, keep };
  }
}

/** The same name must look the same as long as the history lasts: the key in memory is the one that counts. */
function keeperOf(path: string, key: Buffer): () => boolean {
  let seen: string | undefined;
  return () => {
    if (seen !== undefined && fileSignature(path) === seen) return false;
    const whole = readKey(path)?.equals(key) === true;
    if (!whole) writeDurable(path, key.toString('hex'));
    seen = fileSignature(path);
    return !whole;
  };
}

/** A hash whose key is kept nowhere. */
export function passingHash(): KeyedHash {
  return hashWith(randomBytes(BYTES));
}

function readKey(path: string): Buffer | undefined {
  try {
    const key = Buffer.from(readRegularFile(path).trim(), 'hex');
    return key.length === BYTES ? key : undefined;
  } catch {
    return undefined;
  }
}

function hashWith(key: Buffer): KeyedHash {
  return (text) => createHmac('sha256', key).update(text).digest('hex');
}
