// Knows: what a table holds by all that it was given, and the least that makes it hold another ruleset, in ONE transaction. Must not
// know: who gives it, and whether the kernel still has it (readback.ts).
// A learned address, an answer or a pass is an element, and block mode two chains: neither is a reason to load everything anew.

import { FAMILY, TABLE, addText, chainText, flushText, removeText, tableText } from './nft-model.ts';
import type { NftChain, NftElement, NftRuleset, NftSet } from './nft-model.ts';
import { chainShape, shapeKey } from './readback.ts';
import type { Ends, TableShape } from './readback.ts';

/** An element is given for whole seconds: ends that differ by less are the same. Milliseconds. */
const ROUNDING_MS = 2_000;
/** A busy machine takes its time between a change and the kernel: an element may be there so long after its end. Milliseconds. */
const LATE_MS = 15_000;

interface Held {
  readonly element: NftElement;
  /** When the kernel takes it away, monotonic milliseconds; Infinity for one that stays. */
  readonly until: number;
}

export interface TableChange {
  /** For `nft -f`; empty when there is nothing to give. */
  readonly text: string;
  /** What the table holds once the kernel has taken it. */
  readonly table: GivenTable;
  /** Chains have other rules, or there are others; otherwise elements alone differ. */
  readonly isOfRules: boolean;
  /** Sets that hold other elements. */
  readonly sets: readonly NftSet[];
  /** What was put in. */
  readonly come: readonly NftElement[];
}

/** All of a table but its elements. */
interface Frame {
  readonly counters: ReadonlySet<string>;
  readonly sets: ReadonlyMap<string, NftSet>;
  readonly chains: ReadonlyMap<string, NftChain>;
}

export class GivenTable {
  readonly #frame: Frame;
  readonly #held: ReadonlyMap<string, Held>;
  #shape: TableShape | undefined;

  private constructor(frame: Frame, held: ReadonlyMap<string, Held>) {
    this.#frame = frame;
    this.#held = held;
  }

  /** A whole ruleset (`rulesetText`) that is given at `now`, monotonic milliseconds. */
  static of(ruleset: NftRuleset, now: number): GivenTable {
    return new GivenTable(frameOf(ruleset), heldBy(ruleset.elements, now));
  }

  /** What a listing of it has to show; elements with an end may be gone by then. */
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

  /** When the kernel lets go of what it holds for a time. */
  get ends(): Ends {
    return [...this.#held.values()]
      .filter(({ until }) => until !== Infinity)
      .map(({ element, until }) => ({
        element,
        earliest: until - ROUNDING_MS,
        latest: until + ROUNDING_MS + LATE_MS,
      }));
  }

  /** Whether one of these is good for more than twice the time for which the kernel will hold it. */
  isStale(elements: readonly NftElement[], now: number): boolean {
    return elements.some((element) => {
      const left = (element.seconds ?? 0) * 1_000;
      return left > 0 && (this.#held.get(nameOf(element))?.until ?? now) - now < left / 2 - ROUNDING_MS;
    });
  }

  /**
   * The way to another ruleset. Undefined where a chain moves to another hook, or there is a set of which nothing is known: it may be there and
   * hold what a process before this one has put in. That takes the whole of it.
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
    // What stands as it stood stays the same object: its shape is known.
    const chains = ruleset.chains.map((chain) => {
      const one = before.chains.get(chain.name);
      return one !== undefined && hasRules(one, chain.rules) ? one : chain;
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

  /** The way to the same with these elements, their time beginning now, and without others. */
  with(
    come: readonly NftElement[],
    gone: readonly NftElement[],
    now: number,
  ): Pick<TableChange, 'text' | 'table'> {
    const held = new Map(this.#held);
    for (const element of gone) held.delete(nameOf(element));
    for (const [name, one] of heldBy(come, now)) held.set(name, one);
    return {
      // Whether they are there or not: adding one that exists would leave its old end.
      text: `${removeText([...gone, ...come])}${addText(come)}`,
      table: new GivenTable(this.#frame, held),
    };
  }

  /** What has to be put in and taken out. The kernel joins and parts intervals by itself: sets of them are filled anew. */
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
    for (const [name, one] of this.#held)
      if (!isSame(one, held.get(name)) && one.until > now - LATE_MS) differs(one, gone);
    for (const [name, one] of held) {
      const before = this.#held.get(name);
      if (before !== undefined && isSame(before, one)) held.set(name, before);
      else differs(one, come);
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
      // As it is written (nft-model.ts): at least one, and whole ones.
      const until = seconds === undefined ? Infinity : now + Math.max(1, Math.ceil(seconds)) * 1_000;
      return [nameOf(element), { element, until }];
    }),
  );
}

function isSame(one: Held | undefined, other: Held | undefined): boolean {
  if (one === undefined || other === undefined || one.element.verdict !== other.element.verdict) return false;
  return one.until === other.until || Math.abs(one.until - other.until) <= ROUNDING_MS;
}

function hasRules({ rules }: NftChain, others: readonly string[]): boolean {
  return rules.length === others.length && rules.every((rule, at) => rule === others[at]);
}
