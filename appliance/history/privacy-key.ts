// Knows: the key of the hash that stands for names and identities, where it is kept, and that it never leaves the box. Must not
// know: what is hashed. RFC 2104 (HMAC) with SHA-256: without the key a hash cannot be tried against a list of names. Whoever has
// the disk has a key that lies on it: then every hash of the history can be tried, and `memory` is for who fears that.

import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { KeyedHash } from '../../src/guard/history/privacy.ts';
import { syncDirectory, writeDurable } from '../os/durable-file.ts';
import { fileSignature, readRegularFile } from '../os/regular-file.ts';

const FILE = 'privacy.key';
const BYTES = 32;

export type KeyPlace = 'disk' | 'memory';

export function privacyKeyIn(stateDir: string): string {
  return join(stateDir, FILE);
}

/** Until it has a place nothing of it is read or written, and its hashes mean nothing to anybody else. */
export class PrivacyKey {
  readonly #path: string;
  #key: Buffer = randomBytes(BYTES);
  #place: KeyPlace | undefined;
  /** The file as it was when it was last looked into. */
  #seen: string | undefined;
  /** Always by the key of the moment. */
  readonly hash: KeyedHash = (text) => hashOf(this.#key, text);

  constructor(stateDir: string) {
    this.#path = privacyKeyIn(stateDir);
  }

  /**
   * From now on it is kept there. The first place on disk finds the key of an earlier run; any other is a new key, for what was
   * hashed by a key that somebody may have read, or may read, must not be linked with what was not. Throws what the file system says.
   */
  place(place: KeyPlace): void {
    if (place === this.#place) return;
    const isFirst = this.#place === undefined;
    this.#place = place;
    const kept = isFirst && place === 'disk' ? readKey(this.#path) : undefined;
    if (kept !== undefined) this.#key = kept;
    else this.#renew();
  }

  /** Another key, and nothing is left of the one before: what it has hashed can be tried against no list any more. */
  forget(): void {
    this.#renew();
  }

  /** Has the place as it is to be: puts the file back where another hand removed or changed it; true when it did. Throws what the file system says. */
  keep(): boolean {
    if (this.#place === 'memory') this.#remove();
    if (this.#place !== 'disk') return false;
    if (this.#seen !== undefined && fileSignature(this.#path) === this.#seen) return false;
    // The same name must look the same as long as the history lasts: the key in memory is the one that counts.
    const whole = readKey(this.#path)?.equals(this.#key) === true;
    if (!whole) writeDurable(this.#path, this.#text());
    this.#seen = fileSignature(this.#path);
    return !whole;
  }

  /** For another process of the box, over a pipe. */
  get secret(): string {
    return this.#text();
  }

  #renew(): void {
    this.#key = randomBytes(BYTES);
    this.#seen = undefined;
    if (this.#place === 'disk') writeDurable(this.#path, this.#text());
    else this.#remove();
  }

  #remove(): void {
    if (!existsSync(this.#path)) return;
    rmSync(this.#path, { force: true });
    syncDirectory(dirname(this.#path));
  }

  #text(): string {
    return this.#key.toString('hex');
  }
}

/** The hash of a key that another process has. */
export function hashWith(secret: string): KeyedHash {
  const key = Buffer.from(secret, 'hex');
  return (text) => hashOf(key, text);
}

/** A hash whose key is kept nowhere. */
export function passingHash(): KeyedHash {
  const key = randomBytes(BYTES);
  return (text) => hashOf(key, text);
}

function readKey(path: string): Buffer | undefined {
  try {
    const key = Buffer.from(readRegularFile(path).trim(), 'hex');
    return key.length === BYTES ? key : undefined;
  } catch {
    return undefined;
  }
}

function hashOf(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}
