// The protocol between the daemon and the LED watchdog: lines of JSON over a Unix stream socket. Each beat carries everything that the
// watchdog needs, so that beats may get lost.

import { LED_PATTERNS } from '../../src/api/words.ts';
import type { LedPattern } from '../../src/api/words.ts';
import type { LedConfig } from '../../src/policy/policy.ts';

/** File name of the socket, in the runtime directory. */
export const LIGHT_SOCKET = 'light.sock';
/** Time between two beats, milliseconds. */
export const BEAT_MS = 250;
/** A peer that has been silent for this long is gone, hung or stopped, milliseconds. */
export const SILENCE_MS = 1_500;
/** What the LED shows then. */
export const SILENCE_PATTERN: LedPattern = 'red-flash';

/** One sign of life of the daemon, a line of JSON. */
export interface Beat {
  /** When it was sent, monotonic milliseconds: a beat that was buffered while a process was stopped is out of date. */
  readonly at: number;
  readonly pattern: LedPattern;
  readonly lamp: LedConfig;
  /** The daemon itself has driven the LED meanwhile: set it again even if the pattern is the same. */
  readonly again?: true;
}

/**
 * Whether `value`, parsed from a line, is a valid beat that is at most SILENCE_MS old; `now` in monotonic milliseconds. The LED's own
 * fields are not checked: opening it does that. Never throws.
 */
export function isBeat(value: unknown, now: number): value is Beat {
  if (typeof value !== 'object' || value === null) return false;
  const { at, pattern, lamp } = value as Record<string, unknown>;
  const isConfig = typeof lamp === 'object' && lamp !== null && 'driver' in lamp;
  return (
    typeof at === 'number' &&
    now - at <= SILENCE_MS &&
    LED_PATTERNS.some((known) => known === pattern) &&
    isConfig
  );
}

/** The daemon exits because it was told to. */
export interface Farewell {
  readonly bye: true;
}

/** The watchdog's answer to a beat. */
export interface Echo {
  readonly shown: LedPattern;
  /** Why the LED cannot be set, as a sentence. */
  readonly fault?: string;
}

/** Longest line, characters: none of ours is longer. */
const LINE_MOST = 8 * 1024;

/** Splits a stream into lines of JSON. Invalid lines are skipped; a line longer than LINE_MOST is dropped, to bound memory. */
export class LineReader {
  #rest = '';

  /** Adds text; returns the values of the lines that are now complete, in order. Never throws. */
  push(text: string): unknown[] {
    const lines = `${this.#rest}${text}`.split('\n');
    const rest = lines.pop() ?? '';
    this.#rest = rest.length > LINE_MOST ? '' : rest;
    return lines.flatMap((line) => {
      try {
        const value: unknown = JSON.parse(line);
        return [value];
      } catch {
        return [];
      }
    });
  }
}
