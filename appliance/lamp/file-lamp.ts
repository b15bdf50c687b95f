// Knows: a lamp that is a file: its whole content is the pattern's name and a newline. Must not know: states.
// Written beside and renamed, so that a reader never sees half a word.

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Lamp } from '../../src/guard/status.ts';
import { readRegularFile } from '../regular-file.ts';
import type { LampDriver } from './driver.ts';

export class FileLamp implements LampDriver {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  show(pattern: Lamp): void {
    const beside = `${this.#path}.${String(process.pid)}`;
    rmSync(beside, { force: true });
    writeFileSync(beside, `${pattern}\n`, { flag: 'wx' });
    renameSync(beside, this.#path);
  }

  holds(pattern: Lamp): boolean {
    try {
      return readRegularFile(this.#path) === `${pattern}\n`;
    } catch {
      return false;
    }
  }

  close(): void {
    this.show('red');
  }
}
