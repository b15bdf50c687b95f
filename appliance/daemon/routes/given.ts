// Knows: until when the kernel holds what was learned, as it was given last. Must not know: how it was learned, how it is given.
// The kernel counts each element down by itself. What is known to be good for longer, because it was seen again or is in use, has
// to be given again before that: a tunnel whose address lapses is closed, and its packets count as leaks that no tap reads.

import type { LearnedState } from '../../../src/policy/servers/learned.ts';

/** Near its end an element is not given again for the fraction of a second that rounding took from it. Milliseconds. */
const ROUNDING_MS = 1_000;

export class Given {
  /** By what was given, monotonic milliseconds. */
  #until = new Map<string, number>();

  /** The kernel has this now. */
  give(learned: LearnedState, now: number): void {
    this.#until = new Map(timed(learned).map(([key, seconds]) => [key, now + seconds * 1_000]));
  }

  /** Whether something is good for more than twice the time that the kernel will hold it. */
  isStale(learned: LearnedState, now: number): boolean {
    return timed(learned).some(([key, seconds]) => {
      const held = (this.#until.get(key) ?? now) - now;
      return held < (seconds * 1_000) / 2 - ROUNDING_MS;
    });
  }
}

/** All that lasts for a time and can be seen again. A pass cannot: it ends when it was said to. */
function timed({
  addresses,
  dhcpServers,
  resolvers,
  exposed,
  neighbours,
  own,
  settled,
  prefixes,
}: LearnedState): (readonly [string, number])[] {
  const lists = { addresses, dhcpServers, resolvers, exposed, neighbours, own, settled, prefixes };
  return Object.entries(lists).flatMap(([list, entries]) =>
    entries.map(({ seconds, ...what }) => [`${list} ${Object.values(what).join(' ')}`, seconds] as const),
  );
}
