// Knows: the one-time code that a new box asks its first visitor for, when it has one. Must not know: passwords, pages.
// It lies in a file that whoever made the box wrote (`leakguard setup`): who can read what that printed is the owner.

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';

export class FirstCode {
  readonly #path: string;
  readonly #always: boolean;

  /** `always`: a code that is missing is one that nobody knows, not none. */
  constructor(path: string, always: boolean) {
    this.#path = path;
    this.#always = always;
  }

  /** True while a first visit has to know it. A file that cannot be read asks for a code that nobody knows. */
  get isAsked(): boolean {
    return this.#kept() !== undefined;
  }

  /** Case, spaces and dashes do not count: the code is read off and typed. */
  matches(given: string): boolean {
    const kept = this.#kept();
    if (kept === undefined) return true;
    // Compared in any case: how long it takes tells nothing.
    const same = timingSafeEqual(digest(kept), digest(plain(given)));
    return kept !== '' && same;
  }

  /** It opens once. */
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
