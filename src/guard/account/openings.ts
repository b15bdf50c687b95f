// Knows: to which name the segments of a connection belong that carry none: those before and after it said whom it wants.
// Must not know: how incidents are kept. A place is a client, kind, rule and destination as one text.

import { BoundedMap } from '../bounded-map.ts';

/** Places remembered of each sort: whom the next segment belongs to matters for a moment only. */
const PLACES = 4_096;

export class Openings<T extends { readonly acknowledged: boolean }> {
  readonly #isKept: (incident: T) => boolean;
  readonly #named = new BoundedMap<T>(PLACES);
  readonly #nameless = new BoundedMap<string>(PLACES);

  /** `isKept`: the incident still has a name of its own. */
  constructor(isKept: (incident: T) => boolean) {
    this.#isKept = isKept;
  }

  /** What the client last asked of that place, while nobody has acknowledged it. */
  named(place: string): T | undefined {
    const incident = this.#named.get(place);
    return incident?.acknowledged === false && this.#isKept(incident) ? incident : undefined;
  }

  /** Key of the incident that was opened at that place without a name; it is told once. */
  takeNameless(place: string): string | undefined {
    const key = this.#nameless.get(place);
    this.#nameless.delete(place);
    return key;
  }

  noteNamed(place: string, incident: T): void {
    this.#named.set(place, incident);
  }

  noteNameless(place: string, key: string): void {
    this.#named.delete(place);
    this.#nameless.set(place, key);
  }
}
