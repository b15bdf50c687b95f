// Stores, changes and checks the page's only password with scrypt (RFC 7914): 32 MiB per guess and one guess at a time, so that guessing
// cannot exhaust the box's memory.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

import { KeptFileError, readKept, writeKept } from './kept-file.ts';

/** Allowed lengths, UTF-16 code units. */
export const PASSWORD_LENGTH = { min: 8, max: 200 } as const;

interface Kept {
  readonly salt: string;
  readonly hash: string;
  /** Base-2 logarithm of scrypt's N, stored so that a later version can use a higher one. */
  readonly cost: number;
}

const COST = 15;
const BLOCK = 8;

/** The password's file, and guesses at it. */
export class Password {
  readonly #path: string;
  #kept: Kept | undefined;
  /** The end of the queue: guesses and changes run one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Throws KeptFileError if the file exists but is unreadable or malformed: that must not count as a missing password. */
  constructor(path: string) {
    this.#path = path;
    const value = readKept(path);
    if (value !== undefined && !isKept(value)) throw new KeptFileError(path, 'it is not a password file');
    this.#kept = value;
  }

  /** Whether there is a password. */
  get isSet(): boolean {
    return this.#kept !== undefined;
  }

  /** Sets the first password. Resolves to false, without a change, if there already is one: of two simultaneous calls, one wins. */
  setFirst(password: string): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#kept !== undefined) return false;
      await this.#keep(password);
      return true;
    });
  }

  /** Replaces the password, whatever it was. Rejects with file system errors; the old one then stays. */
  change(password: string): Promise<void> {
    return this.#inTurn(() => this.#keep(password));
  }

  /** Whether this is the password; false if none is set. Takes 32 MiB while it computes (scrypt, RFC 7914), and waits for earlier guesses. */
  matches(password: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const kept = this.#kept;
      if (kept === undefined) return false;
      const hash = await derive(password, kept.salt, kept.cost);
      return timingSafeEqual(hash, Buffer.from(kept.hash, 'base64url'));
    });
  }

  async #keep(password: string): Promise<void> {
    const salt = randomBytes(16).toString('base64url');
    const hash = (await derive(password, salt, COST)).toString('base64url');
    const kept: Kept = { salt, hash, cost: COST };
    writeKept(this.#path, kept);
    this.#kept = kept;
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(task);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

/** True if the password's length, in UTF-16 code units, is allowed (PASSWORD_LENGTH, both ends included). There is no other rule. */
export function isLongEnough(password: string): boolean {
  const { length } = password;
  return length >= PASSWORD_LENGTH.min && length <= PASSWORD_LENGTH.max;
}

/** Normalizes to NFKC first, so that the same characters typed on another system give the same password. */
function derive(password: string, salt: string, cost: number): Promise<Buffer> {
  const options = { N: 2 ** cost, r: BLOCK, p: 1, maxmem: 256 * BLOCK * 2 ** cost };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, 32, options, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== 'object' || value === null) return false;
  const { salt, hash, cost } = value as Readonly<Record<string, unknown>>;
  const length = typeof hash === 'string' ? Buffer.from(hash, 'base64url').length : 0;
  return typeof salt === 'string' && length === 32 && typeof cost === 'number' && cost >= 14 && cost <= 20;
}
