// Knows: the one-time code that a new box asks its first visitor for, when it has one. Must not know: passwords, pages.
// It lies in a file that whoever made the box wrote, and on the box's boot partition: who holds the card is the owner.

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';

export class FirstCode {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** True while a first visit has to know it. A file that cannot be read asks for a code that nobody knows. */
  get isAsked(): boolean {
    return this.#kept() !== undefined;
  }

  /** Case, spaces and dashes do not count: the code is read off and typed. */
  matches(given: string): boolean {
    const kept = this.#kept();
    if (kept === undefined) return true;
    return kept !== '' && timingSafeEqual(digest(kept), digest(plain(given)));
  }

  /** It opens once. */
  forget(): void {
    rmSync(this.#path, { force: true });
  }

  #kept(): string | undefined {
    try {
      return plain(readFileSync(this.#path, 'latin1'));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : '';
    }
  }
}

const plain = (text: string): string => text.replace(/[^A-Za-z0-9]/g, '').toUpperCase();
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
