// Fair sharing of limited room, so that a flood of one thing pushes out only its own kind: when room is needed, the largest group gives up
// its oldest member (max-min fairness).

interface Link<T> {
  readonly value: T;
  before: Link<T> | undefined;
  after: Link<T> | undefined;
}

/**
 * A queue that items can leave from the middle. A Set would do, but V8 keeps entries deleted at its front until it rehashes the table,
 * and finding the first item then has to skip all of them.
 */
class Line<T> {
  first: Link<T> | undefined;
  #last: Link<T> | undefined;
  size = 0;

  add(value: T): Link<T> {
    const link: Link<T> = { value, before: this.#last, after: undefined };
    if (this.#last === undefined) this.first = link;
    else this.#last.after = link;
    this.#last = link;
    this.size += 1;
    return link;
  }

  remove({ before, after }: Link<T>): void {
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    this.size -= 1;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let link = this.first; link !== undefined; link = link.after) yield link.value;
  }
}

interface Group<T> {
  readonly name: string;
  readonly members: Line<T>;
  /** Its place among the groups of its size. */
  place: Link<Group<T>> | undefined;
}

interface Held<T> {
  readonly group: Group<T>;
  readonly link: Link<T>;
}

/** Items in groups, each group in order of arrival. Every operation takes constant time. */
export class Shares<T> {
  readonly #groups = new Map<string, Group<T>>();
  readonly #held = new Map<T, Held<T>>();
  /** Groups by size; among groups of one size the one that reached it first comes first. */
  readonly #bySize = new Map<number, Line<Group<T>>>();
  #largestSize = 0;

  /** How many members the group has; 0 when there is none. */
  sizeOf(group: string): number {
    return this.#groups.get(group)?.members.size ?? 0;
  }

  /** The item's group; undefined when it is not held. */
  groupOf(item: T): string | undefined {
    return this.#held.get(item)?.group.name;
  }

  /** Makes the item the newest of that group and removes it from any other. */
  put(item: T, name: string): void {
    const held = this.#held.get(item);
    if (held?.group.name === name) {
      const { group, link } = held;
      group.members.remove(link);
      this.#held.set(item, { group, link: group.members.add(item) });
      return;
    }
    this.delete(item);
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { name, members: new Line<T>(), place: undefined };
      this.#groups.set(name, group);
    }
    this.#held.set(item, { group, link: group.members.add(item) });
    this.#resize(group, group.members.size - 1);
  }

  /** Removes the item; false when it was not held. */
  delete(item: T): boolean {
    const held = this.#held.get(item);
    if (held === undefined) return false;
    const { group, link } = held;
    group.members.remove(link);
    this.#held.delete(item);
    if (group.members.size === 0) this.#groups.delete(group.name);
    this.#resize(group, group.members.size + 1);
    return true;
  }

  /** Name of the largest group; undefined when nothing is held. */
  largest(): string | undefined {
    return this.#bySize.get(this.#largestSize)?.first?.value.name;
  }

  /** Members of a group, oldest first. */
  membersOf(group: string): Iterable<T> {
    return this.#groups.get(group)?.members ?? [];
  }

  /** The oldest member of the largest group, which goes when room is needed; undefined when nothing is held. */
  giver(): T | undefined {
    return this.#bySize.get(this.#largestSize)?.first?.value.members.first?.value;
  }

  /** Removes everything. */
  clear(): void {
    this.#groups.clear();
    this.#held.clear();
    this.#bySize.clear();
    this.#largestSize = 0;
  }

  #resize(group: Group<T>, before: number): void {
    const left = this.#bySize.get(before);
    if (group.place !== undefined) left?.remove(group.place);
    group.place = undefined;
    if (left?.size === 0) this.#bySize.delete(before);
    const after = group.members.size;
    if (after > 0) {
      const joined = this.#bySize.get(after) ?? new Line<Group<T>>();
      group.place = joined.add(group);
      this.#bySize.set(after, joined);
    }
    // A group grows and shrinks by one: when the largest size has lost its last group, that group is now one smaller.
    if (after > this.#largestSize || !this.#bySize.has(this.#largestSize)) this.#largestSize = after;
  }
}

/** A map of at most `limit` entries: when it is full, it drops the oldest entry of the largest group, and counts that. */
export class FairMap<V> {
  readonly #limit: number;
  readonly #held = new Map<string, V>();
  readonly #shares = new Shares<string>();
  /** Entries dropped to make room. */
  evicted = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many entries it holds. */
  get size(): number {
    return this.#held.size;
  }

  /** The value; undefined if there is none. Does not make it newer. */
  get(key: string): V | undefined {
    return this.#held.get(key);
  }

  /** Sets the entry and makes it the newest of its group. Returns the value that was dropped to make room, or undefined. */
  set(key: string, value: V, group: string): V | undefined {
    let dropped: V | undefined;
    if (!this.#held.has(key) && this.#held.size >= this.#limit) {
      const giver = this.#shares.giver();
      if (giver !== undefined) {
        dropped = this.#held.get(giver);
        this.delete(giver);
        this.evicted += 1;
      }
    }
    this.#held.delete(key);
    this.#held.set(key, value);
    this.#shares.put(key, group);
    return dropped;
  }

  delete(key: string): void {
    this.#held.delete(key);
    this.#shares.delete(key);
  }

  /** Empties the map; `evicted` stays. */
  clear(): void {
    this.#held.clear();
    this.#shares.clear();
  }

  /** In the order in which they were last set. */
  values(): IterableIterator<V> {
    return this.#held.values();
  }
}

/** The share of everyone without a seat. */
export const STRANGERS = '*';

/**
 * Decides who has a share of its own. A machine that makes up MAC addresses can pose as any number of clients, so the number of seats is
 * bounded: the first to come get them, a seat that was not used for long goes to the next, and all others share one quota.
 */
export class Regulars<K> {
  readonly #seats: number;
  readonly #idleMs: number;
  /** Longest silent first. */
  readonly #lastSeen = new Map<K, number>();

  /** `idleMs`: milliseconds of silence after which a seat goes to the next. */
  constructor(seats = 32, idleMs = 600_000) {
    this.#seats = seats;
    this.#idleMs = idleMs;
  }

  /** Notes that `who` was heard at monotonic milliseconds `now`; call it only for the port where nobody else can use its address. */
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

  /** Whether `who` has a seat. */
  has(who: K): boolean {
    return this.#lastSeen.has(who);
  }

  /** `who` as text, or STRANGERS. */
  share(who: K): string {
    return this.#lastSeen.has(who) ? String(who) : STRANGERS;
  }
}

/** At most `limit` of the items, in their order: each group's first item is taken before any group's second. */
export function fairPick<T>(items: readonly T[], groupOf: (item: T) => string, limit: number): T[] {
  if (items.length <= limit) return [...items];
  const ranks = new Map<string, number>();
  const ranked = items.map((item, index) => {
    const group = groupOf(item);
    const rank = ranks.get(group) ?? 0;
    ranks.set(group, rank + 1);
    return { item, index, rank };
  });
  ranked.sort((a, b) => a.rank - b.rank || a.index - b.index);
  return ranked
    .slice(0, limit)
    .sort((a, b) => a.index - b.index)
    .map(({ item }) => item);
}
