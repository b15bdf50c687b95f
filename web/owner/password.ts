// Knows: the page's one password: how it is kept, set, changed and checked. Must not know: who asks, and how often they may.
// Follows RFC 7914 (scrypt): 32 MiB a guess, one guess at a time, so that guessing cannot take the box's memory.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

import { KeptFileError, readKept, writeKept } from './kept-file.ts';

export const PASSWORD_LENGTH = { least: 8, most: 200 } as const;

interface Kept {
  readonly salt: string;
  readonly hash: string;
  /** Base-2 logarithm of scrypt's N, so that a later version may ask for more. */
  readonly cost: number;
}

const COST = 15;
const BLOCK = 8;

export class Password {
  readonly #path: string;
  #kept: Kept | undefined;
  /** Guesses and changes wait for one another. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Throws KeptFileError when the file is there and says nothing: an unreadable password is not a missing one. */
  constructor(path: string) {
    this.#path = path;
    const value = readKept(path);
    if (value !== undefined && !isKept(value)) throw new KeptFileError(path, 'it is no password file');
    this.#kept = value;
  }

  get isSet(): boolean {
    return this.#kept !== undefined;
  }

  /** Sets the first password. False, and nothing changed, when there is one: of two who try at once, one wins. */
  setFirst(password: string): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#kept !== undefined) return false;
      await this.#keep(password);
      return true;
    });
  }

  change(password: string): Promise<void> {
    return this.#inTurn(() => this.#keep(password));
  }

  /** False when none is set. */
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

/** True for a password that may be set: its length in characters is all that is asked of it. */
export function isLongEnough(password: string): boolean {
  const { length } = password;
  return length >= PASSWORD_LENGTH.least && length <= PASSWORD_LENGTH.most;
}

/** NFKC first: the same letters typed on another system are the same password. */
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
