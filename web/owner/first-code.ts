// The one-time code that a new box asks its first visitor for. `leakguard setup` writes it to a file and prints it: whoever can read that
// output is the owner.

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';

/** The code's file. */
export class FirstCode {
  readonly #path: string;
  readonly #always: boolean;

  /** `always`: if the file is missing, a code is still required, and none is right. */
  constructor(path: string, always: boolean) {
    this.#path = path;
    this.#always = always;
  }

  /** True while a first visit must enter the code. If the file cannot be read, a code is required and none is right. */
  get isAsked(): boolean {
    return this.#kept() !== undefined;
  }

  /** Compares ignoring case, spaces and dashes, because the code is typed by hand. True for any text while no code is asked for. Never throws. */
  matches(given: string): boolean {
    const kept = this.#kept();
    if (kept === undefined) return true;
    // Always compared, so that the time taken reveals nothing.
    const same = timingSafeEqual(digest(kept), digest(plain(given)));
    return kept !== '' && same;
  }

  /** Deletes the code: it is valid once. Does nothing without one; throws file system errors. */
  forget(): void {
    rmSync(this.#path, { force: true });
  }

  #kept(): string | undefined {
    try {
      return plain(readFileSync(this.#path, 'latin1'));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' && !this.#always ? undefined : '';
    }
  }
}

const plain = (text: string): string => text.replace(/[^A-Za-z0-9]/g, '').toUpperCase();
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
