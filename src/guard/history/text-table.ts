// Numbers very many short texts, keeping them in a few large arrays instead of one string object each: a hundred thousand long-lived
// strings cost more garbage collection than all the work done with them.

const INITIAL = 1024;
/** Most character codes passed to one call: the stack limits the number of arguments. */
const LONGEST = 255;

/** Numbers texts from 0 in order of arrival; equal texts of one group have the same number. Grows without limit: the caller bounds it. */
export class TextTable {
  /** Open addressing, at most half full; each slot holds a text's number plus one, 0 is empty. */
  #slots = new Int32Array(2 * INITIAL);
  #hashes = new Int32Array(INITIAL);
  #groups = new Uint8Array(INITIAL);
  /** Where each text ends; the next begins there. */
  #ends = new Int32Array(INITIAL);
  #codes = new Uint16Array(32 * INITIAL);
  #size = 0;
  /** Scratch arrays, one for each length. */
  readonly #gathered = Array.from({ length: LONGEST + 1 }, (_, length) => new Array<number>(length).fill(0));

  /** Number of texts. */
  get size(): number {
    return this.#size;
  }

  /** Total length of all texts, in UTF-16 code units. */
  get length(): number {
    return this.#startOf(this.#size);
  }

  /** The number of a text in its group (0 to 255), or -1. Allocates nothing. */
  find(text: string, group: number): number {
    const number = this.#slots[this.#slot(text, group, hashOf(text, group))] ?? 0;
    return number - 1;
  }

  /** Adds a text if necessary and returns its number; the text is new if that equals the previous size. */
  add(text: string, group: number): number {
    const hash = hashOf(text, group);
    const slot = this.#slot(text, group, hash);
    const known = this.#slots[slot] ?? 0;
    if (known > 0) return known - 1;
    const number = this.#size;
    const start = this.#startOf(number);
    this.#makeRoom(start + text.length);
    this.#size = number + 1;
    this.#hashes[number] = hash;
    this.#groups[number] = group;
    this.#ends[number] = start + text.length;
    for (let at = 0; at < text.length; at += 1) this.#codes[start + at] = text.charCodeAt(at);
    this.#slots[slot] = number + 1;
    if (2 * this.#size >= this.#slots.length) this.#spread();
    return number;
  }

  /** The text with this number; '' for a number that was not given. */
  text(number: number): string {
    const end = this.#ends[number] ?? 0;
    const start = this.#startOf(number);
    if (end - start < this.#gathered.length) return this.#piece(start, end);
    let text = '';
    for (let at = start; at < end; at += LONGEST) text += this.#piece(at, Math.min(at + LONGEST, end));
    return text;
  }

  #piece(start: number, end: number): string {
    // A plain array: spreading a typed array uses its iterator, which is ten times as slow.
    const gathered = this.#gathered[end - start] ?? [];
    for (let at = start; at < end; at += 1) gathered[at - start] = this.#codes[at] ?? 0;
    return String.fromCharCode(...gathered);
  }

  /** The group of the text with this number. */
  group(number: number): number {
    return this.#groups[number] ?? 0;
  }

  #startOf(number: number): number {
    return number === 0 ? 0 : (this.#ends[number - 1] ?? 0);
  }

  /** The slot that holds the text, or the empty one where it belongs. */
  #slot(text: string, group: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] ?? 0) - 1;
      if (number < 0 || (this.#hashes[number] === hash && this.#is(number, text, group))) return slot;
    }
  }

  #is(number: number, text: string, group: number): boolean {
    const start = this.#startOf(number);
    if (this.#groups[number] !== group || (this.#ends[number] ?? 0) - start !== text.length) return false;
    for (let at = 0; at < text.length; at += 1) {
      if (this.#codes[start + at] !== text.charCodeAt(at)) return false;
    }
    return true;
  }

  #makeRoom(codes: number): void {
    if (codes > this.#codes.length) {
      const larger = new Uint16Array(Math.max(codes, 2 * this.#codes.length));
      larger.set(this.#codes);
      this.#codes = larger;
    }
    if (this.#size < this.#ends.length) return;
    const room = 2 * this.#size;
    const [hashes, groups, ends] = [new Int32Array(room), new Uint8Array(room), new Int32Array(room)];
    hashes.set(this.#hashes);
    groups.set(this.#groups);
    ends.set(this.#ends);
    [this.#hashes, this.#groups, this.#ends] = [hashes, groups, ends];
  }

  #spread(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#size; number += 1) {
      let slot = (this.#hashes[number] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}

/** FNV-1a over code units, with the upper half folded in because the lower bits choose the slot. */
function hashOf(text: string, group: number): number {
  let hash = 0x811c9dc5 ^ group;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash ^ (hash >>> 15);
}
