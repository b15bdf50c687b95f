// Keeps what a table holds after everything that it was given, and makes the least change that turns it into another ruleset, in ONE
// transaction. A learned address, an answer or a captive-portal exception is one element, and block mode two chains: none of these needs
// a complete reload. Whether the kernel still holds it is checked in readback.ts.

import { FAMILY, TABLE, addText, chainText, flushText, removeText, tableText } from './nft-model.ts';
import type { NftChain, NftElement, NftRuleset, NftSet } from './nft-model.ts';
import { chainShape, shapeKey } from './readback.ts';
import type { Ends, TableShape } from './readback.ts';

/** Timeouts are given in whole seconds: ends that differ by no more than this count as equal. Milliseconds. */
const ROUNDING_MS = 2_000;
/**
 * On a busy machine the kernel may receive a change this much later, so an element may live so long after its computed end. Milliseconds.
 */
const LATE_MS = 15_000;

interface Held {
  readonly element: NftElement;
  /** When the kernel removes it, monotonic milliseconds; Infinity without timeout. */
  readonly until: number;
}

/** The change from what a table holds to another ruleset, as one transaction. */
export interface TableChange {
  /** For `nft -f`; `''` when nothing changes. */
  readonly text: string;
  /** What the table holds once the kernel has accepted the text. */
  readonly table: GivenTable;
  /** Whether rules or chains change; otherwise only elements do. */
  readonly isOfRules: boolean;
  /** Sets whose elements change. */
  readonly sets: readonly NftSet[];
  /** Elements that are added, also those of interval sets that are filled again. */
  readonly come: readonly NftElement[];
}

/** A table without its elements. */
interface Frame {
  readonly counters: ReadonlySet<string>;
  readonly sets: ReadonlyMap<string, NftSet>;
  readonly chains: ReadonlyMap<string, NftChain>;
}

/** What the kernel's table must hold. A value: a change makes another one. */
export class GivenTable {
  readonly #frame: Frame;
  readonly #held: ReadonlyMap<string, Held>;
  #shape: TableShape | undefined;

  private constructor(frame: Frame, held: ReadonlyMap<string, Held>) {
    this.#frame = frame;
    this.#held = held;
  }

  /** The table after a complete load of a ruleset (`rulesetText`) at `now`, monotonic milliseconds. */
  static of(ruleset: NftRuleset, now: number): GivenTable {
    return new GivenTable(frameOf(ruleset), heldBy(ruleset.elements, now));
  }

  /** What nft must list of this table, for `differences` in readback.ts; elements with a timeout (`timed`) may have expired. */
  get shape(): TableShape {
    if (this.#shape !== undefined) return this.#shape;
    const chains = new Map([...this.#frame.chains].map(([name, chain]) => [name, chainShape(chain)]));
    const names = [...this.#frame.sets.keys()];
    const sets = new Map(names.map((name) => [name, new Set<string>()]));
    const timed = new Map(names.map((name) => [name, new Set<string>()]));
    for (const { element } of this.#held.values())
      (element.seconds === undefined ? sets : timed).get(element.set)?.add(shapeKey(element));
    return (this.#shape = { chains, sets, timed, flags: false });
  }

  /** When the kernel must remove the elements that have a timeout: `earliest` and `latest` in monotonic milliseconds. */
  get ends(): Ends {
    return [...this.#held.values()]
      .filter(({ until }) => until !== Infinity)
      .map(({ element, until }) => ({
        element,
        earliest: until - ROUNDING_MS,
        latest: until + ROUNDING_MS + LATE_MS,
      }));
  }

  /**
   * Whether the table has less time left for one of these elements than half of its `seconds`, less two seconds for rounding; an element
   * that is not held has none left. `now` in monotonic milliseconds.
   */
  isStale(elements: readonly NftElement[], now: number): boolean {
    return elements.some((element) => {
      const left = (element.seconds ?? 0) * 1_000;
      return left > 0 && (this.#held.get(nameOf(element))?.until ?? now) - now < left / 2 - ROUNDING_MS;
    });
  }

  /**
   * The change to another ruleset; `now` in monotonic milliseconds. Undefined where only a complete load will do: when a chain moves to
   * another hook, or when a set is new here, which may exist in the kernel with elements from an earlier process.
   */
  changeTo(ruleset: NftRuleset, now: number): TableChange | undefined {
    const before = this.#frame;
    if (
      ruleset.sets.some(({ name }) => !before.sets.has(name)) ||
      ruleset.chains.some(
        ({ name, hook }) => before.chains.has(name) && before.chains.get(name)?.hook !== hook,
      )
    )
      return undefined;
    // An unchanged chain stays the same object, because its shape is cached by object.
    const chains = ruleset.chains.map((chain) => {
      const known = before.chains.get(chain.name);
      return known !== undefined && hasRules(known, chain.rules) ? known : chain;
    });
    const frame = frameOf({ ...ruleset, chains });
    const changed = chains.filter((chain) => before.chains.get(chain.name) !== chain);
    const left = [...before.chains.values()].filter(
      ({ name, rules }) => !frame.chains.has(name) && rules.length > 0,
    );
    const fresh = {
      counters: ruleset.counters.filter((name) => !before.counters.has(name)),
      chains: chains.filter(({ name }) => !before.chains.has(name)),
    };
    const { held, come, gone, refilled } = this.#elements(ruleset.elements, now);
    const touched = new Set([...come, ...gone].map(({ set }) => set));
    const place = (name: string): string => `${FAMILY} ${TABLE} ${name}`;
    const lines = [
      ...(Object.values(fresh).some(({ length }) => length > 0) ? tableText({ ...fresh, sets: [] }) : []),
      ...[...changed, ...left].map(({ name }) => `flush chain ${place(name)}`),
      ...[...ruleset.sets.filter(({ name }) => refilled.has(name)), ...(ruleset.emptied ?? [])].map(
        flushText,
      ),
      `${removeText(gone)}${addText(come)}`.trimEnd(),
      ...(changed.length === 0 ? [] : [`table ${FAMILY} ${TABLE} {`, ...changed.flatMap(chainText), '}']),
    ].filter((line) => line !== '');
    return {
      text: lines.map((line) => `${line}\n`).join(''),
      table: new GivenTable(frame, held),
      isOfRules: changed.length + left.length > 0,
      come,
      sets: ruleset.sets.filter(({ name }) => touched.has(name)),
    };
  }

  /**
   * The change that adds the elements `come`, their timeouts starting at `now` (monotonic milliseconds), and removes `gone`. An element in
   * `come` that the kernel holds already starts again with its new timeout.
   */
  with(
    come: readonly NftElement[],
    gone: readonly NftElement[],
    now: number,
  ): Pick<TableChange, 'text' | 'table'> {
    const held = new Map(this.#held);
    for (const element of gone) held.delete(nameOf(element));
    for (const [name, entry] of heldBy(come, now)) held.set(name, entry);
    return {
      // Removed first, whether present or not: adding an element that exists would keep its old timeout.
      text: `${removeText([...gone, ...come])}${addText(come)}`,
      table: new GivenTable(this.#frame, held),
    };
  }

  /** Elements to add and to remove. The kernel merges and splits intervals by itself, so an interval set that differs is filled again. */
  #elements(
    elements: readonly NftElement[],
    now: number,
  ): Pick<TableChange, 'come'> & { held: Map<string, Held>; gone: NftElement[]; refilled: Set<string> } {
    const held = heldBy(elements, now);
    const [gone, come, refilled] = [[] as NftElement[], [] as NftElement[], new Set<string>()];
    const differs = ({ element }: Held, list: NftElement[]): void => {
      if (this.#frame.sets.get(element.set)?.intervals === true) refilled.add(element.set);
      else list.push(element);
    };
    for (const [name, entry] of this.#held)
      if (!isSame(entry, held.get(name)) && entry.until > now - LATE_MS) differs(entry, gone);
    for (const [name, entry] of held) {
      const before = this.#held.get(name);
      if (before !== undefined && isSame(before, entry)) held.set(name, before);
      else differs(entry, come);
    }
    return { held, gone, refilled, come: [...come, ...elements.filter(({ set }) => refilled.has(set))] };
  }
}

function frameOf({ counters, sets, chains }: Omit<NftRuleset, 'elements' | 'emptied'>): Frame {
  return {
    counters: new Set(counters),
    sets: new Map(sets.map((set) => [set.name, set])),
    chains: new Map(chains.map((chain) => [chain.name, chain])),
  };
}

function nameOf({ set, key }: NftElement): string {
  return `${set} ${key}`;
}

function heldBy(elements: readonly NftElement[], now: number): Map<string, Held> {
  return new Map(
    elements.map((element) => {
      const { seconds } = element;
      // As nft-model.ts writes it: whole seconds, at least one.
      const until = seconds === undefined ? Infinity : now + Math.max(1, Math.ceil(seconds)) * 1_000;
      return [nameOf(element), { element, until }];
    }),
  );
}

function isSame(a: Held | undefined, b: Held | undefined): boolean {
  if (a === undefined || b === undefined || a.element.verdict !== b.element.verdict) return false;
  return a.until === b.until || Math.abs(a.until - b.until) <= ROUNDING_MS;
}

function hasRules({ rules }: NftChain, others: readonly string[]): boolean {
  return rules.length === others.length && rules.every((rule, at) => rule === others[at]);
}
