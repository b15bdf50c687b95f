// Knows: a lamp that is a file: its whole content is the pattern's name and a newline. Must not know: states.
// Written beside and renamed, so that a reader never sees half a word.

import { renameSync, writeFileSync } from 'node:fs';
import type { Lamp } from '../../src/guard/status.ts';
import type { LampDriver } from './driver.ts';

export class FileLamp implements LampDriver {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  show(pattern: Lamp): void {
    const beside = `${this.#path}.${String(process.pid)}`;
    writeFileSync(beside, `${pattern}\n`);
    renameSync(beside, this.#path);
  }

  close(): void {
    this.show('red');
  }
}
