// Finds the name for the segments of a connection that carry none: those before and after the one that showed the name. A place is a
// client, kind, rule and destination as one text.

import { BoundedMap } from '../bounded-map.ts';

/** Places remembered of each sort: they matter only until the next segment comes. */
const PLACES = 4_096;

/** What was last seen of connections at each place: the incident of the name they showed, or one that began without a name. */
export class Openings<T extends { readonly acknowledged: boolean }> {
  readonly #isKept: (incident: T) => boolean;
  readonly #named = new BoundedMap<T>(PLACES);
  readonly #nameless = new BoundedMap<string>(PLACES);

  /** `isKept`: whether the incident is still in the book under its own name. */
  constructor(isKept: (incident: T) => boolean) {
    this.#isKept = isKept;
  }

  /**
   * The incident of the name that the client last showed at that place; undefined if there is none in the book that is not acknowledged.
   */
  named(place: string): T | undefined {
    const incident = this.#named.get(place);
    return incident?.acknowledged === false && this.#isKept(incident) ? incident : undefined;
  }

  /** Key of the incident that was begun at that place without a name; returned once, else undefined. */
  takeNameless(place: string): string | undefined {
    const key = this.#nameless.get(place);
    this.#nameless.delete(place);
    return key;
  }

  /** The client showed the incident's name at that place. */
  noteNamed(place: string, incident: T): void {
    this.#named.set(place, incident);
  }

  /** An incident was begun at that place without a name; `key` identifies it in the book. */
  noteNameless(place: string, key: string): void {
    this.#named.delete(place);
    this.#nameless.set(place, key);
  }
}
