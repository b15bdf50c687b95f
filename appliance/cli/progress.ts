// Knows: how progress is drawn on a terminal. Must not know: what progresses.

import type { Writable } from 'node:stream';

const WIDTH = 30;

/** One line on stderr that is drawn over itself and wiped at the end. */
export class ProgressBar {
  readonly #out: Writable;
  #drawn = '';

  constructor(out: Writable) {
    this.#out = out;
  }

  /** `share` is 0 to 1. */
  show(share: number, packets: number): void {
    const filled = Math.round(Math.min(1, Math.max(0, share)) * WIDTH);
    const bar = '#'.repeat(filled) + '-'.repeat(WIDTH - filled);
    const line = `[${bar}] ${String(Math.floor(share * 100)).padStart(3)} %  ${packets} packets`;
    if (line === this.#drawn) return;
    this.#out.write(`\r${line}`);
    this.#drawn = line;
  }

  clear(): void {
    if (this.#drawn !== '') this.#out.write(`\r${' '.repeat(this.#drawn.length)}\r`);
    this.#drawn = '';
  }
}
