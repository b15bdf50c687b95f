// What the light of a lab's box showed, and since when, over a stretch of time; and how a measurement is told where a bench asked for it.
// The judge is the LED's own file: no program of the box is asked.

import type { Lab } from '../../appliance/lab/lab.ts';
import { ledOf } from './light-watch.ts';

const LOOK_MS = 10;

export interface Shown {
  readonly lamp: string;
  /** Date.now() of the first look that found it so. */
  readonly at: number;
}

export class LightLog {
  readonly #lab: Lab;
  readonly #shown: Shown[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    const lamp = ledOf(this.#lab);
    // The file is replaced whole: there is always one, but where the runtime directory itself is gone.
    if (this.#shown.at(-1)?.lamp !== lamp) this.#shown.push({ lamp, at: Date.now() });
  }

  /** Every pattern that it showed after `since`, with the one that it showed then. */
  after(since: number): readonly Shown[] {
    const before = this.#shown.filter(({ at }) => at <= since).slice(-1);
    return [...before, ...this.#shown.filter(({ at }) => at > since)];
  }

  /** When it first showed such a pattern after `since`; undefined when it never did. */
  firstAfter(since: number, lamp: RegExp): number | undefined {
    const found = this.after(since).find((shown) => lamp.test(shown.lamp));
    return found === undefined ? undefined : Math.max(found.at, since);
  }

  stop(): void {
    this.#look();
    clearInterval(this.#timer);
  }
}

/** The long form of a test, which `npm run bench` asks for. */
export const LONG = process.env['LEAKGUARD_LONG'] !== undefined;

/** Tells a figure where a bench runs; a test that only passes or fails says nothing. */
export function tell(what: string, figures: Readonly<Record<string, unknown>>): void {
  if (LONG) process.stderr.write(`${what}: ${JSON.stringify(figures)}\n`);
}
