// Knows: how often which name was read, and through what. Must not know: frames, files.
// DESIGN section 7: names are what a client asked for; a server that repeats the question asks for nothing.

import type { Name, Via } from '../flow/kinds.ts';

export interface CountedName {
  readonly name: string;
  readonly via: Via;
  readonly count: number;
  /** The outer name of an Encrypted ClientHello. */
  readonly outer?: true;
}

export class NameList {
  readonly #limit: number;
  readonly #names = new Map<string, { name: Name; count: number; asked: boolean }>();
  /** Names that found no room. */
  dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(names: readonly Name[], fromServer: boolean): void {
    for (const name of names) {
      const key = `${name.via} ${name.name}`;
      const known = this.#names.get(key);
      if (known === undefined) {
        if (this.#names.size >= this.#limit) this.dropped += 1;
        else this.#names.set(key, { name, count: 1, asked: !fromServer });
      } else if (!fromServer && known.asked) {
        known.count += 1;
      } else if (!fromServer) {
        // Until now only answers repeated it: they stood for the question that is here now.
        known.asked = true;
      }
    }
  }

  /** In the order of first appearance; names that `show` makes alike are counted together. */
  list(show: (name: string) => string): CountedName[] {
    const shown = new Map<string, CountedName>();
    for (const { name, count } of this.#names.values()) {
      const text = show(name.name);
      const key = `${name.via} ${text}`;
      const outer = name.outer === true ? { outer: true as const } : {};
      shown.set(key, { name: text, via: name.via, count: count + (shown.get(key)?.count ?? 0), ...outer });
    }
    return [...shown.values()];
  }
}
