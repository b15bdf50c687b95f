// Knows: frames that a tap has told of as no leak, because it knows less of their connection or of the answers before it than the other
// tap. Must not know: incidents, verdicts. The kernel goes by the frame alone, so both taps have counted it alike: what one calls a leak
// and the other does not is told from what was stopped by this.

import { DEADLINE_MS, OpenFrames, SKEW_MS } from './account.ts';
import type { Slice } from './account.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Observation } from '../observation.ts';

/** Client, kernel counter and destination: what both taps read alike. More of them at once, and the oldest is forgotten. */
const PLACES = 4_096;

/** A place as one text. */
export function placeOf({ client, counter, verdict }: Observation): string {
  return `${String(client)} ${counter} ${verdict.destination}`;
}

export class Harmless {
  readonly #places = new BoundedMap<OpenFrames>(PLACES);

  take(port: 'lan' | 'wan', observation: Observation, place = placeOf(observation)): void {
    const frames = this.#places.get(place) ?? new OpenFrames();
    if (port === 'lan') frames.attempt(observation);
    else frames.escape(observation);
    this.#places.set(place, frames);
  }

  /** Leaves what one tap alone has called harmless, and not for longer than any frame waits for its fate. */
  settle(now: number): void {
    for (const [place, frames] of this.#places) {
      frames.pair();
      frames.forget(now - 2 * DEADLINE_MS);
      if (frames.empty) this.#places.delete(place);
    }
  }

  /** Frames that the lan tap calls a leak, and that left as what the wan tap calls none: how many of so many. */
  left(place: string, slice: Slice): number {
    return this.#places.get(place)?.takeEscapesNear(slice, slice.frames, SKEW_MS) ?? 0;
  }

  /** Frames that left as a leak, and that the lan tap has told of as none. */
  came(place: string, slice: Slice, frames: number): number {
    return this.#places.get(place)?.takeAttemptsNear(slice, frames, SKEW_MS) ?? 0;
  }

  clear(): void {
    this.#places.clear();
  }
}
