// Knows: how often which name was read, and through what. Must not know: frames, files.
// Names are what a client asked for; what only an answer repeats of its question is listed apart.

import { VIAS } from '../flow/kinds.ts';
import type { Name, Via } from '../flow/kinds.ts';
import type { Redaction } from '../guard/history/privacy.ts';
import { TextTable } from '../guard/history/text-table.ts';

export interface CountedName {
  readonly name: string;
  readonly via: Via;
  readonly count: number;
  /** The outer name of an Encrypted ClientHello. */
  readonly outer?: true;
  /** Only answers held it: the question was not seen, if there was one. */
  readonly asked?: false;
}

const VIA_NUMBERS: Readonly<Record<Via, number>> = {
  dns: 0,
  mdns: 1,
  llmnr: 2,
  nbns: 3,
  sni: 4,
  quic: 5,
  http: 6,
  dhcp: 7,
  referer: 8,
};

/** Code units of all names together: nobody fills memory with names that are no names. */
const LONGEST = 8_000_000;

/** A client has asked for the name: what stands here is no answer alone. */
const ASKED = 1;
const OUTER = 2;

export class NameList {
  readonly #limit: number;
  /** A name of one carrier; groups are the carriers. */
  readonly #table = new TextTable();
  #counts = new Float64Array(1024);
  #marks = new Uint8Array(1024);
  /** Names that found no room. */
  dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(names: readonly Name[]): void {
    for (const name of names) {
      const via = VIA_NUMBERS[name.via];
      const full = this.#table.size >= this.#limit || this.#table.length > LONGEST;
      if (full && this.#table.find(name.name, via) < 0) {
        this.dropped += 1;
        continue;
      }
      const { size } = this.#table;
      const number = this.#table.add(name.name, via);
      if (number === size) this.#begin(number, name);
      else if (name.asked !== false) this.#ask(number);
      else if (((this.#marks[number] ?? 0) & ASKED) === 0)
        this.#counts[number] = (this.#counts[number] ?? 0) + 1;
    }
  }

  #begin(number: number, name: Name): void {
    if (number >= this.#counts.length) {
      const counts = new Float64Array(2 * this.#counts.length);
      const marks = new Uint8Array(counts.length);
      counts.set(this.#counts);
      marks.set(this.#marks);
      [this.#counts, this.#marks] = [counts, marks];
    }
    this.#counts[number] = 1;
    this.#marks[number] = (name.asked === false ? 0 : ASKED) | (name.outer === true ? OUTER : 0);
  }

  /** Answers that came first do not count any more. */
  #ask(number: number): void {
    const marks = this.#marks[number] ?? 0;
    this.#counts[number] = (marks & ASKED) !== 0 ? (this.#counts[number] ?? 0) + 1 : 1;
    this.#marks[number] = marks | ASKED;
  }

  /**
   * Those that were asked for, or those that only answers held. By what they were read through, then in the order of first appearance; names that the
   * veil makes alike are added up.
   */
  *list(redaction: Redaction, asked = true): Generator<CountedName> {
    for (const via of VIAS) {
      if (redaction.privacy === 'full') yield* this.#of(via, asked);
      else yield* addedUp(this.#of(via, asked), redaction);
    }
  }

  *#of(via: Via, asked: boolean): Generator<CountedName> {
    const wanted = VIA_NUMBERS[via];
    for (let number = 0; number < this.#table.size; number += 1) {
      const marks = this.#marks[number] ?? 0;
      if (this.#table.group(number) !== wanted || ((marks & ASKED) !== 0) !== asked) continue;
      const name = this.#table.text(number);
      const count = this.#counts[number] ?? 0;
      if (!asked) yield { name, via, count, asked: false };
      else yield (marks & OUTER) === 0 ? { name, via, count } : { name, via, count, outer: true };
    }
  }
}

function addedUp(names: Iterable<CountedName>, redaction: Redaction): Iterable<CountedName> {
  const shown = new Map<string, CountedName>();
  for (const counted of names) {
    const name = redaction.name(counted.name);
    shown.set(name, { ...counted, name, count: counted.count + (shown.get(name)?.count ?? 0) });
  }
  return shown.values();
}
