// What each pattern looks like on a red and a green LED (README.md, The light). Every pattern can be recognized without seeing colours, on
// two LEDs as well as on one LED of two colours.

import type { LedPattern } from '../../src/api/words.ts';

/** A blinking LED; times in milliseconds. */
export interface Blink {
  readonly on: number;
  readonly off: number;
  /** Lit first, or dark first: two LEDs with equal times alternate when one starts dark. */
  readonly startsLit: boolean;
}

/** What one LED does. */
export type LedMode = 'on' | 'off' | Blink;

/** What both LEDs do. */
export interface Pattern {
  readonly red: LedMode;
  readonly green: LedMode;
}

const blink = (on: number, off: number, startsLit = true): Blink => ({ on, off, startsLit });

/** Each pattern of README.md, The light. */
export const PATTERNS: Readonly<Record<LedPattern, Pattern>> = {
  green: { red: 'off', green: 'on' },
  'green-blip': { red: blink(100, 2_900), green: 'on' },
  // Slow green: a steady mixture of both colours could be told from red or green by its colour only.
  amber: { red: 'off', green: blink(1_000, 1_000) },
  red: { red: 'on', green: 'off' },
  'red-flash': { red: blink(125, 125), green: 'off' },
  alternating: { red: blink(500, 500), green: blink(500, 500, false) },
};
