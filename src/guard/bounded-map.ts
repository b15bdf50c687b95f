/** A map of at most `limit` entries: when it is full, it drops its oldest entry and counts that. */
export class BoundedMap<V, K = string> {
  readonly #limit: number;
  readonly #held = new Map<K, V>();
  /** Entries dropped to make room. */
  evicted = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value; undefined if there is none. Does not make it newer. */
  get(key: K): V | undefined {
    return this.#held.get(key);
  }

  /** Sets the entry and makes it the newest. */
  set(key: K, value: V): void {
    this.#held.delete(key);
    if (this.#held.size >= this.#limit) {
      const [oldest] = this.#held.keys();
      if (oldest !== undefined) this.#held.delete(oldest);
      this.evicted += 1;
    }
    this.#held.set(key, value);
  }

  delete(key: K): void {
    this.#held.delete(key);
  }

  clear(): void {
    this.#held.clear();
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.#held.entries();
  }
}
