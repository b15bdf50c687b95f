// Knows: what the daemon and the LED watchdog say to each other, and how often. Must not know: either of them, LEDs.
// Lines of JSON over a Unix stream socket. Each beat carries all that the keeper has to know, so that any one of them is enough.

import { LED_PATTERNS } from '../../src/api/words.ts';
import type { LedPattern } from '../../src/api/words.ts';
import type { LedConfig } from '../../src/policy/policy.ts';

/** Below the runtime directory. */
export const LIGHT_SOCKET = 'light.sock';
/** Between two beats, milliseconds. */
export const BEAT_MS = 250;
/** Who has said nothing for so long is gone, hung or stopped, milliseconds. */
export const SILENCE_MS = 1_500;
/** What the light says of that. */
export const NOBODY_WATCHES: LedPattern = 'red-flash';

export interface Beat {
  /** When it was sent, monotonic milliseconds: one that lay in a buffer while a process was stopped says nothing of now. */
  readonly at: number;
  readonly pattern: LedPattern;
  readonly lamp: LedConfig;
  /** Another hand was at the light: show it anew. */
  readonly again?: true;
}

/** Whether it is one, and of now: what is old, or cannot be read, is none. */
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

/** The daemon ends as it was told to. */
export interface Farewell {
  readonly bye: true;
}

/** The keeper's answer to a beat. */
export interface Echo {
  readonly shown: LedPattern;
  /** Why the light cannot be lit, in words. */
  readonly fault?: string;
}

/** A line longer than this is none of ours, bytes. */
const LINE_MOST = 8 * 1024;

/** Cuts a stream into JSON lines; a line that is none is left out, and a stream without line breaks holds no memory. */
export class LineReader {
  #rest = '';

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
