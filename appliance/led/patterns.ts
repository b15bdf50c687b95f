// Knows: what each pattern looks like on a red and a green light. Must not know: how lights are lit, why a pattern is shown.
// Follows README.md, The light: every pattern can be told apart without colour, and on two lights as well as on one of two colours.

import type { LedPattern } from '../../src/api/words.ts';

/** Times in milliseconds. */
export interface Blink {
  readonly on: number;
  readonly off: number;
  /** Lit first, or dark first: two lights with equal times then alternate. */
  readonly startsLit: boolean;
}

export type Light = 'on' | 'off' | Blink;

export interface Pattern {
  readonly red: Light;
  readonly green: Light;
}

const blink = (on: number, off: number, startsLit = true): Blink => ({ on, off, startsLit });

export const PATTERNS: Readonly<Record<LedPattern, Pattern>> = {
  green: { red: 'off', green: 'on' },
  'green-blip': { red: blink(100, 2_900), green: 'on' },
  // Slow green: a steady mixture of both would be told from red or green by its colour alone.
  amber: { red: 'off', green: blink(1_000, 1_000) },
  red: { red: 'on', green: 'off' },
  'red-flash': { red: blink(125, 125), green: 'off' },
  alternating: { red: blink(500, 500), green: blink(500, 500, false) },
};
