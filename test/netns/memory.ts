// How much memory all processes of a lab's box have together: proportional set sizes (proc(5), smaps_rollup), so that what they share
// counts once.

import { readFileSync, readdirSync } from 'node:fs';
import type { Lab } from '../../appliance/lab/lab.ts';

/** Programs of the product, as they are started; the lab's own are none. */
const PROGRAM = /dist\/(?:appliance\/(?:daemon\/main|tap\/main|lamp\/keep|jobs\/\w+-main)|web\/main)\.js/;

export interface Held {
  readonly program: string;
  readonly kB: number;
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It ended between the listing and the look.
    return '';
  }
}

/** Each process of the product in this lab's box. */
export function held(lab: Lab): readonly Held[] {
  const mine = new Set<string>();
  const seen = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      const command = read(pid, 'cmdline').replaceAll('\0', ' ').trim();
      const [, parent = ''] = /^PPid:\s+(\d+)$/m.exec(read(pid, 'status')) ?? [];
      const [program] = PROGRAM.exec(command) ?? [];
      if (program === undefined) return [];
      if (command.includes(`${lab.plan.dir}/`)) mine.add(pid);
      return [{ pid, parent, program: program.replace(/^dist\/(?:appliance\/)?/, ''), command }];
    });
  return seen
    .filter(({ pid, parent }) => mine.has(pid) || mine.has(parent))
    .map(({ pid, program, command }) => {
      const [, kB = '0'] = /^Pss:\s+(\d+) kB$/m.exec(read(pid, 'smaps_rollup')) ?? [];
      const [port = ''] = / (?:lan|wan)0$/.exec(command) ?? [];
      return { program: `${program}${port}`, kB: Number(kB) };
    });
}

export const sumOf = (processes: readonly Held[]): number => processes.reduce((sum, { kB }) => sum + kB, 0);

/** Looks again and again; `most` is what they had when they had most. */
export class MemoryLog {
  readonly #lab: Lab;
  readonly #timer: NodeJS.Timeout;
  most: readonly Held[] = [];

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#look();
    this.#timer = setInterval(() => this.#look(), 250);
  }

  #look(): void {
    const now = held(this.#lab);
    if (sumOf(now) > sumOf(this.most)) this.most = now;
  }

  stop(): void {
    this.#look();
    clearInterval(this.#timer);
  }
}
