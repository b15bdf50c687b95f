// Knows: how room is shared between those who fill it, so that a flood of one thing pushes out nothing but itself. Must not know:
// what the things are. Everywhere the same: the group that holds most gives, and it gives its oldest (max-min fairness).

/** Things in groups, each group in the order in which its members came. Every operation takes constant time. */
export class Shares<T> {
  readonly #groups = new Map<string, Set<T>>();
  readonly #groupOf = new Map<T, string>();
  /** Groups by how many they hold; among equals the one that came to it first stands first. */
  readonly #bySize = new Map<number, Set<string>>();
  #most = 0;

  get size(): number {
    return this.#groupOf.size;
  }

  has(item: T): boolean {
    return this.#groupOf.has(item);
  }

  sizeOf(group: string): number {
    return this.#groups.get(group)?.size ?? 0;
  }

  groupOf(item: T): string | undefined {
    return this.#groupOf.get(item);
  }

  /** The item becomes the newest of that group, and leaves the one it was in. */
  put(item: T, group: string): void {
    if (this.#groupOf.get(item) === group) {
      const members = this.#groups.get(group);
      members?.delete(item);
      members?.add(item);
      return;
    }
    this.delete(item);
    const members = this.#groups.get(group) ?? new Set<T>();
    members.add(item);
    this.#groups.set(group, members);
    this.#groupOf.set(item, group);
    this.#resize(group, members.size - 1, members.size);
  }

  /** False when it was not held. */
  delete(item: T): boolean {
    const group = this.#groupOf.get(item);
    const members = group === undefined ? undefined : this.#groups.get(group);
    if (group === undefined || members === undefined) return false;
    members.delete(item);
    this.#groupOf.delete(item);
    if (members.size === 0) this.#groups.delete(group);
    this.#resize(group, members.size + 1, members.size);
    return true;
  }

  /** The group that holds most; undefined when nothing is held. */
  largest(): string | undefined {
    const [first] = this.#bySize.get(this.#most) ?? [];
    return first;
  }

  /** Members of a group, oldest first. */
  membersOf(group: string): Iterable<T> {
    return this.#groups.get(group) ?? [];
  }

  /** The oldest member of the largest group: who gives when room is needed. */
  giver(): T | undefined {
    const group = this.largest();
    const [oldest] = group === undefined ? [] : this.membersOf(group);
    return oldest;
  }

  clear(): void {
    this.#groups.clear();
    this.#groupOf.clear();
    this.#bySize.clear();
    this.#most = 0;
  }

  #resize(group: string, before: number, after: number): void {
    const left = this.#bySize.get(before);
    left?.delete(group);
    if (left?.size === 0) this.#bySize.delete(before);
    if (after > 0) {
      const joined = this.#bySize.get(after) ?? new Set<string>();
      joined.add(group);
      this.#bySize.set(after, joined);
    }
    // A group grows and shrinks by one: when the fullest size has lost its last group, that group is one below.
    this.#most = after > this.#most || !this.#bySize.has(this.#most) ? after : this.#most;
  }
}

/** A map that, when it is full, forgets the oldest entry of the group that holds most, and counts that. */
export class FairMap<V> {
  readonly #limit: number;
  readonly #held = new Map<string, V>();
  readonly #shares = new Shares<string>();
  /** Entries that went to make room. */
  evicted = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#held.size;
  }

  get(key: string): V | undefined {
    return this.#held.get(key);
  }

  /** The entry becomes the newest of its group. Returns what went to make room for it. */
  set(key: string, value: V, group: string): V | undefined {
    let gone: V | undefined;
    if (!this.#held.has(key) && this.#held.size >= this.#limit) {
      const giver = this.#shares.giver();
      if (giver !== undefined) {
        gone = this.#held.get(giver);
        this.delete(giver);
        this.evicted += 1;
      }
    }
    this.#held.delete(key);
    this.#held.set(key, value);
    this.#shares.put(key, group);
    return gone;
  }

  delete(key: string): void {
    this.#held.delete(key);
    this.#shares.delete(key);
  }

  clear(): void {
    this.#held.clear();
    this.#shares.clear();
  }

  /** In the order in which they were last set. */
  values(): IterableIterator<V> {
    return this.#held.values();
  }
}

/** What all that have no seat are counted as. */
export const STRANGERS = '*';

/**
 * Who has a share of its own. Whoever can make up MAC addresses can be any number of clients, so the number of seats is bounded: the
 * first to come have them, a seat that was not used for long goes to the next, and all the others share one quota.
 */
export class Regulars<K> {
  readonly #seats: number;
  readonly #idleMs: number;
  /** The one that was silent longest first. */
  readonly #lastSeen = new Map<K, number>();

  constructor(seats = 32, idleMs = 600_000) {
    this.#seats = seats;
    this.#idleMs = idleMs;
  }

  /** Notes that `who` was heard at monotonic milliseconds `now`, on the port where nobody else can speak for it. */
  seen(who: K, now: number): void {
    if (this.#lastSeen.delete(who)) {
      this.#lastSeen.set(who, now);
      return;
    }
    if (this.#lastSeen.size >= this.#seats) {
      const [silent] = this.#lastSeen;
      if (silent === undefined || now - silent[1] < this.#idleMs) return;
      this.#lastSeen.delete(silent[0]);
    }
    this.#lastSeen.set(who, now);
  }

  has(who: K): boolean {
    return this.#lastSeen.has(who);
  }

  /** `who` as text, or STRANGERS. */
  share(who: K): string {
    return this.#lastSeen.has(who) ? String(who) : STRANGERS;
  }
}

/** At most `most` of the items, in their order: each group's first before any group's second. */
export function fairPick<T>(items: readonly T[], groupOf: (item: T) => string, most: number): T[] {
  if (items.length <= most) return [...items];
  const ranks = new Map<string, number>();
  const ranked = items.map((item, index) => {
    const group = groupOf(item);
    const rank = ranks.get(group) ?? 0;
    ranks.set(group, rank + 1);
    return { item, index, rank };
  });
  ranked.sort((a, b) => a.rank - b.rank || a.index - b.index);
  return ranked
    .slice(0, most)
    .sort((a, b) => a.index - b.index)
    .map(({ item }) => item);
}
