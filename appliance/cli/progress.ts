// A progress bar on a terminal.

import type { Writable } from 'node:stream';

const WIDTH = 30;

/** One line that is redrawn in place and cleared at the end. */
export class ProgressBar {
  readonly #out: Writable;
  #drawn = '';

  constructor(out: Writable) {
    this.#out = out;
  }

  /** `share` is 0 to 1, or undefined when the total is unknown; `packets`: those read so far. */
  show(share: number | undefined, packets: number): void {
    this.#draw(share === undefined ? `${packets} packets` : lineOf(share, packets));
  }

  #draw(line: string): void {
    if (line === this.#drawn) return;
    this.#out.write(`\r${line}`);
    this.#drawn = line;
  }

  /** Empties the line; does nothing when nothing was drawn. */
  clear(): void {
    if (this.#drawn !== '') this.#out.write(`\r${' '.repeat(this.#drawn.length)}\r`);
    this.#drawn = '';
  }
}

function lineOf(share: number, packets: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * WIDTH);
  const bar = '#'.repeat(filled) + '-'.repeat(WIDTH - filled);
  return `[${bar}] ${String(Math.floor(share * 100)).padStart(3)} %  ${packets} packets`;
}
