// Knows: how often which name was read, and through what. Must not know: frames, files.
// DESIGN section 7: names are what a client asked for; a server that repeats the question asks for nothing.

import { VIAS } from '../flow/kinds.ts';
import type { Name, Via } from '../flow/kinds.ts';

export interface CountedName {
  readonly name: string;
  readonly via: Via;
  readonly count: number;
  /** The outer name of an Encrypted ClientHello. */
  readonly outer?: true;
}

interface Entry {
  count: number;
  asked: boolean;
  readonly outer: boolean;
}

export class NameList {
  readonly #limit: number;
  readonly #byVia = new Map<Via, Map<string, Entry>>(VIAS.map((via) => [via, new Map()]));
  #size = 0;
  /** Names that found no room. */
  dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(names: readonly Name[], fromServer: boolean): void {
    for (const name of names) {
      const entries = this.#byVia.get(name.via);
      const known = entries?.get(name.name);
      if (known === undefined) {
        if (this.#size >= this.#limit) {
          this.dropped += 1;
          continue;
        }
        this.#size += 1;
        entries?.set(name.name, { count: 1, asked: !fromServer, outer: name.outer === true });
      } else if (!fromServer) {
        // An answer that came first stood for the question that is here now.
        if (known.asked) known.count += 1;
        known.asked = true;
      }
    }
  }

  /** By what they were read through, then in the order of first appearance; names that `show` makes alike are added up. */
  list(show: ((name: string) => string) | undefined): CountedName[] {
    const list: CountedName[] = [];
    for (const [via, entries] of this.#byVia) {
      const shown = new Map<string, CountedName>();
      for (const [name, { count, outer }] of entries) {
        const text = show === undefined ? name : show(name);
        const total = show === undefined ? count : count + (shown.get(text)?.count ?? 0);
        const counted = outer
          ? { name: text, via, count: total, outer: true as const }
          : { name: text, via, count: total };
        if (show === undefined) list.push(counted);
        else shown.set(text, counted);
      }
      for (const counted of shown.values()) list.push(counted);
    }
    return list;
  }
}
