// The key of the hash that replaces names and identities (HMAC, RFC 2104, with SHA-256). It never leaves the box: without it, a hash
// cannot be tested against a list of names. A key that is kept on the disk is known to anyone who has the disk, so the policy can have it
// kept in memory only.

import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { KeyedHash } from '../../src/guard/history/privacy.ts';
import { syncDirectory, writeDurable } from '../os/durable-file.ts';
import { fileSignature, readRegularFile } from '../os/regular-file.ts';

const FILE = 'privacy.key';
const BYTES = 32;

/** Where the key is kept: in the state directory, or only in this process. */
export type KeyPlace = 'disk' | 'memory';

/**
 * The path of the key file in this directory, whether or not it exists. It holds 32 bytes in hexadecimal; with the policy's `privacyKey:
 * memory` there is none.
 */
export function privacyKeyIn(stateDir: string): string {
  return join(stateDir, FILE);
}

/** The key. Until `place` is called, nothing is read or written, and the key is a temporary one. */
export class PrivacyKey {
  readonly #path: string;
  #key: Buffer = randomBytes(BYTES);
  #place: KeyPlace | undefined;
  /** Signature of the file when it was last read or written. */
  #seen: string | undefined;
  /** Hashes with the current key. */
  readonly hash: KeyedHash = (text) => hashOf(this.#key, text);

  constructor(stateDir: string) {
    this.#path = privacyKeyIn(stateDir);
  }

  /**
   * Keeps the key there from now on. The first call, with `disk`, takes over the key of an earlier run; any other change makes a new key, so
   * that hashes made with a key that has been or will be on the disk cannot be linked with others. Throws file system errors.
   */
  place(place: KeyPlace): void {
    if (place === this.#place) return;
    const isFirst = this.#place === undefined;
    this.#place = place;
    const kept = isFirst && place === 'disk' ? readKey(this.#path) : undefined;
    if (kept !== undefined) this.#key = kept;
    else this.#renew();
  }

  /** Replaces the key and deletes the old one: hashes made with it can no longer be tested against a list. Throws file system errors. */
  forget(): void {
    this.#renew();
  }

  /** Restores the file if another program removed or changed it, and then returns true; with `memory`, removes it. Throws file system errors. */
  keep(): boolean {
    if (this.#place === 'memory') this.#remove();
    if (this.#place !== 'disk') return false;
    if (this.#seen !== undefined && fileSignature(this.#path) === this.#seen) return false;
    // A name must keep its hash as long as the history lasts, so the key in memory is the one that counts.
    const isIntact = readKey(this.#path)?.equals(this.#key) === true;
    if (!isIntact) writeDurable(this.#path, this.#text());
    this.#seen = fileSignature(this.#path);
    return !isIntact;
  }

  /** The key as text (64 hexadecimal digits), for another process of the box; send it over a pipe only. */
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

/**
 * The hash with a key that another process sent (`PrivacyKey.secret`): HMAC-SHA-256 (RFC 2104) of a text in UTF-8, 64 lower-case
 * hexadecimal digits. A key that is not hexadecimal is not refused, but cut short where that ends.
 */
export function hashWith(secret: string): KeyedHash {
  const key = Buffer.from(secret, 'hex');
  return (text) => hashOf(key, text);
}

/**
 * HMAC-SHA-256 (RFC 2104) of a text with a random key that is not kept, 64 hexadecimal digits: equal texts have equal hashes within this
 * run only.
 */
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
