// A hash table from address, protocol and port to a number; searching allocates nothing. Open addressing with linear probing in typed
// arrays, at most half full: a miss costs one or two probes, however many entries there are. The family is part of the key: a mapped IPv6
// address is not the IPv4 address in it.

const WORDS = 5;

/** A table from IP version, address, protocol and port to a number that is not negative. */
export class EndpointTable {
  readonly #mask: number;
  readonly #keys: Uint32Array;
  /** Value + 1, so that zero means empty. */
  readonly #values: Int32Array;
  #size = 0;

  /** Has room for at least `capacity` entries. */
  constructor(capacity: number) {
    let slots = 16;
    while (slots < 2 * capacity) slots *= 2;
    this.#mask = slots - 1;
    this.#keys = new Uint32Array(slots * WORDS);
    this.#values = new Int32Array(slots);
  }

  /** How many entries it holds. */
  get size(): number {
    return this.#size;
  }

  /** Keeps the first value of a key; false when the table is full. `address` is four 32-bit words, IPv4 in the last; it is copied. */
  add(ipVersion: number, address: Uint32Array, protocol: number, port: number, value: number): boolean {
    if (this.#size * 2 > this.#mask) return false;
    const last = lastWord(ipVersion, protocol, port);
    let slot = this.#slot(address, last);
    while (this.#values[slot] !== 0) {
      if (this.#is(slot, address, last)) return true;
      slot = (slot + 1) & this.#mask;
    }
    this.#keys.set(address, slot * WORDS);
    this.#keys[slot * WORDS + 4] = last;
    this.#values[slot] = value + 1;
    this.#size += 1;
    return true;
  }

  /** The value, or -1. Other addresses than those added cost a probe or two. */
  find(ipVersion: number, address: Uint32Array, protocol: number, port: number): number {
    const last = lastWord(ipVersion, protocol, port);
    let slot = this.#slot(address, last);
    for (;;) {
      const value = this.#values[slot] ?? 0;
      if (value === 0) return -1;
      if (this.#is(slot, address, last)) return value - 1;
      slot = (slot + 1) & this.#mask;
    }
  }

  #is(slot: number, address: Uint32Array, last: number): boolean {
    const keys = this.#keys;
    const at = slot * WORDS;
    return (
      keys[at + 3] === address[3] &&
      keys[at + 4] === last &&
      keys[at + 2] === address[2] &&
      keys[at + 1] === address[1] &&
      keys[at] === address[0]
    );
  }

  #slot(address: Uint32Array, last: number): number {
    let hash = Math.imul((address[3] ?? 0) ^ last, 0x9e3779b1);
    hash = Math.imul(hash ^ (address[2] ?? 0) ^ (hash >>> 15), 0x85ebca77);
    hash = Math.imul(hash ^ (address[1] ?? 0) ^ (address[0] ?? 0) ^ (hash >>> 13), 0xc2b2ae3d);
    return (hash ^ (hash >>> 16)) & this.#mask;
  }
}

function lastWord(ipVersion: number, protocol: number, port: number): number {
  return ((ipVersion === 6 ? 0x80000000 : 0) | (protocol << 16) | (port & 0xffff)) >>> 0;
}
