// Knows: to which name the segments of a connection belong that carry none: those before and after it said whom it wants.
// Must not know: how incidents are kept. A place is a client, kind, rule and destination as one text.

export class Openings<T extends { readonly acknowledged: boolean }> {
  readonly #named = new Map<string, T>();
  readonly #nameless = new Map<string, string>();

  /** What the client last asked of that place, while nobody has acknowledged it. */
  named(place: string): T | undefined {
    const incident = this.#named.get(place);
    return incident?.acknowledged === false ? incident : undefined;
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

  forget(incident: T): void {
    for (const [place, named] of this.#named) if (named === incident) this.#named.delete(place);
  }
}
