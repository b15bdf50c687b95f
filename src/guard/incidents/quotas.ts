// Knows: how room is shared between those who fill it, so that a flood of one thing pushes out nothing but itself. Must not know:
// what the things are. Everywhere the same: the group that holds most gives, and it gives its oldest (max-min fairness).

interface Link<T> {
  readonly value: T;
  before: Link<T> | undefined;
  after: Link<T> | undefined;
}

/**
 * A queue from whose middle one may leave. A Set would do, but what was deleted at its front stays in V8's table until that is
 * rehashed, and whoever asks for the first has to pass all of it.
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

/** Things in groups, each group in the order in which its members came. Every operation takes constant time. */
export class Shares<T> {
  readonly #groups = new Map<string, Group<T>>();
  readonly #held = new Map<T, Held<T>>();
  /** Groups by how many they hold; among equals the one that came to it first stands first. */
  readonly #bySize = new Map<number, Line<Group<T>>>();
  #most = 0;

  sizeOf(group: string): number {
    return this.#groups.get(group)?.members.size ?? 0;
  }

  groupOf(item: T): string | undefined {
    return this.#held.get(item)?.group.name;
  }

  /** The item becomes the newest of that group, and leaves the one it was in. */
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

  /** False when it was not held. */
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

  /** The group that holds most; undefined when nothing is held. */
  largest(): string | undefined {
    return this.#bySize.get(this.#most)?.first?.value.name;
  }

  /** Members of a group, oldest first. */
  membersOf(group: string): Iterable<T> {
    return this.#groups.get(group)?.members ?? [];
  }

  /** The oldest member of the largest group: who gives when room is needed. */
  giver(): T | undefined {
    return this.#bySize.get(this.#most)?.first?.value.members.first?.value;
  }

  clear(): void {
    this.#groups.clear();
    this.#held.clear();
    this.#bySize.clear();
    this.#most = 0;
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
    // A group grows and shrinks by one: when the fullest size has lost its last group, that group is one below.
    if (after > this.#most || !this.#bySize.has(this.#most)) this.#most = after;
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
