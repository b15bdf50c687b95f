// Frames that one tap did not report as a leak because it knows less about their connection, or about earlier answers, than the other
// tap. The kernel judges each frame by itself, so both taps counted it under the same counter. This tells a frame that only one tap
// calls a leak from a frame that was stopped.

import { DEADLINE_MS, OpenFrames, SKEW_MS } from './account.ts';
import type { Slice } from './account.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Observation } from '../observation.ts';

/** Places (client, kernel counter and destination, which both taps read alike) remembered at once; the oldest is dropped first. */
const PLACES = 4_096;

/** Client, kernel counter and destination of an observation, as one text: what both taps read alike. */
export function placeOf({ client, counter, verdict }: Observation): string {
  return `${String(client)} ${counter} ${verdict.destination}`;
}

/** Frames that one of the taps calls harmless, by place, for as long as the other may report them as a leak. */
export class Harmless {
  readonly #places = new BoundedMap<OpenFrames>(PLACES);

  /** Remembers frames that this tap calls harmless. */
  take(port: 'lan' | 'wan', observation: Observation, place = placeOf(observation)): void {
    const frames = this.#places.get(place) ?? new OpenFrames();
    if (port === 'lan') frames.attempt(observation);
    else frames.escape(observation);
    this.#places.set(place, frames);
  }

  /** Drops frames that both taps call harmless, and those older than any frame waits for its fate. `now`: monotonic milliseconds. */
  settle(now: number): void {
    for (const [place, frames] of this.#places) {
      frames.pair();
      frames.forget(now - 2 * DEADLINE_MS);
      if (frames.empty) this.#places.delete(place);
    }
  }

  /** Of these frames, which the lan tap calls a leak: how many left as frames that the wan tap calls harmless. */
  takeLeft(place: string, slice: Slice): number {
    return this.#places.get(place)?.takeEscapesNear(slice, slice.frames, SKEW_MS) ?? 0;
  }

  /** Of these frames, which left as a leak: how many the lan tap called harmless; at most `frames`. */
  takeCome(place: string, slice: Slice, frames: number): number {
    return this.#places.get(place)?.takeAttemptsNear(slice, frames, SKEW_MS) ?? 0;
  }

  /** Forgets everything. */
  clear(): void {
    this.#places.clear();
  }
}
