// Counts how often each name was read, and where. Names are those that a client asked for; names that were only in answers are listed
// separately.

import { VIAS } from '../flow/kinds.ts';
import type { Name, Via } from '../flow/kinds.ts';
import type { Redaction } from '../guard/history/privacy.ts';
import { TextTable } from '../guard/history/text-table.ts';

/** A name as it was read, with how often. */
export interface CountedName {
  readonly name: string;
  readonly via: Via;
  readonly count: number;
  /** The outer name of an Encrypted ClientHello (RFC 9849). */
  readonly outer?: true;
  /** It was only in answers: its question was not seen. */
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

/** UTF-16 code units of all names together, so that a capture cannot fill the memory. */
const MAX_TEXT = 8_000_000;

/** Mark: a client has asked for the name, so it was not only in answers. */
const ASKED = 1;
const OUTER = 2;

/** The names of a capture, at most `limit`, and at most eight million characters together. */
export class NameList {
  readonly #limit: number;
  /** Names, grouped by where they were read (VIA_NUMBERS). */
  readonly #table = new TextTable();
  #counts = new Float64Array(1024);
  #marks = new Uint8Array(1024);
  /** Occurrences of names that did not fit. */
  dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts the names of one frame. */
  add(names: readonly Name[]): void {
    for (const name of names) {
      const via = VIA_NUMBERS[name.via];
      const full = this.#table.size >= this.#limit || this.#table.length > MAX_TEXT;
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

  /** From the first question on only questions count. */
  #ask(number: number): void {
    const marks = this.#marks[number] ?? 0;
    this.#counts[number] = (marks & ASKED) !== 0 ? (this.#counts[number] ?? 0) + 1 : 1;
    this.#marks[number] = marks | ASKED;
  }

  /**
   * Names that were asked for or, with `asked` false, were only in answers; by where they were read, then in order of first appearance.
   * Names that are equal after redaction are added up.
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
