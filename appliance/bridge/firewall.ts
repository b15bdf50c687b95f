// Applies compiled rulesets atomically, reads them back from the kernel and compares them. Changes run one after another. A small change is
// applied and read back by itself; everything is read back in every round.

import type { FirewallState } from '../../src/guard/guard.ts';
import { GivenTable } from '../../src/policy/compile/nft-change.ts';
import type { TableChange } from '../../src/policy/compile/nft-change.ts';
import { FAMILY, TABLE, rulesetText } from '../../src/policy/compile/nft-model.ts';
import type { NftElement, NftRuleset } from '../../src/policy/compile/nft-model.ts';
import {
  differences,
  elementDifferences,
  repairText,
  shapeOfListing,
} from '../../src/policy/compile/readback.ts';
import { monotonicMs } from '../os/clock.ts';
import { RunError } from '../os/run-command.ts';
import { applyRuleset, counterValues, listSets, listTable, tableHandle } from './nftables.ts';
import type { NftListing, TableCounters } from './nftables.ts';
import { TableShapes } from './table-shape.ts';
import type { ShapeFinding } from './table-shape.ts';

export interface FirewallListener {
  state(state: FirewallState): void;
  /** The rules are about to change, or have just changed. */
  changing(): void;
  /** The kernel's counters, read at some time between `begun` and `ended` (monotonic milliseconds). */
  reading(begun: number, ended: number, counters: TableCounters): void;
  /** The rules had been changed by another program, and have been restored. */
  mended(found: readonly string[]): void;
}

/** Stands for the ruleset before any was applied. */
const NOTHING: NftRuleset = { counters: [], sets: [], elements: [], chains: [] };

export class Firewall {
  readonly #listener: FirewallListener;
  /** The table that the kernel was given. */
  #table = GivenTable.of(NOTHING, 0);
  /** It was read back and is equal. */
  #isVerified = false;
  /**
   * Compiles the ruleset as of now: times to live are shorter than when it was applied, and what has expired is left out. Undefined while it is
   * not known what the kernel should have: before the first ruleset, and after one that it may or may not have accepted.
   */
  #compile: (() => NftRuleset) | undefined;
  readonly #shapes = new TableShapes();
  #whyUnknown = 'no rules have been applied yet';
  #queue: Promise<unknown> = Promise.resolve();

  constructor(listener: FirewallListener) {
    this.#listener = listener;
  }

  /**
   * Applies what differs from the kernel's rules. Resolves, once read back, with the time at which the kernel had them (monotonic
   * milliseconds). Rejects with RunError when the kernel refuses or cannot be read, with Error when it has other rules.
   */
  async apply(compile: () => NftRuleset): Promise<number> {
    return this.#inTurn(async () => {
      try {
        return await this.#apply(compile);
      } catch (error) {
        // The caller will report that nothing changed, but the kernel may have accepted it: its rules are unknown until the next success.
        this.#compile = undefined;
        this.#whyUnknown = words(error);
        this.#unverified(error);
        throw error;
      }
    });
  }

  async #apply(compile: () => NftRuleset): Promise<number> {
    const wanted = compile();
    this.#compile = compile;
    const change = this.#isVerified ? this.#table.changeTo(wanted, monotonicMs()) : undefined;
    const isGiven = change !== undefined && (await this.#giveChange(change));
    if (!isGiven) await this.#giveWhole(wanted);
    const appliedAt = monotonicMs();
    if (!isGiven || change.isOfRules || !(await this.#verifyElements(change))) await this.#verifyAndRestore();
    return appliedAt;
  }

  /** Adds and removes elements of sets; the next compiled ruleset must contain this change. Rejects with RunError. */
  async change(come: readonly NftElement[], gone: readonly NftElement[] = []): Promise<void> {
    if (come.length === 0 && gone.length === 0) return;
    await this.#inTurn(async () => {
      const { text, table } = this.#table.with(come, gone, monotonicMs());
      await this.#give(text);
      this.#table = table;
    });
  }

  /** Whether the kernel's timeout of one of these elements is less than about half of its remaining time. */
  isStale(elements: readonly NftElement[]): boolean {
    return this.#table.isStale(elements, monotonicMs());
  }

  /** Reads the rules back; restores them when they differ, or `anyway` (after a breach). Never rejects. */
  async verify(anyway = false): Promise<void> {
    await this.#inTurn(() =>
      this.#verifyAndRestore(anyway).catch((error: unknown) => this.#unverified(error)),
    );
  }

  /** Another program may change the rules before they are read back: the first time they are restored and reported, the second is an error. */
  async #verifyAndRestore(anyway = false): Promise<void> {
    const { found, listing } = await this.#readBack().catch((error: unknown) => {
      // Listing fails when the whole table is gone: that, too, is a change to be restored.
      this.#unverified(error);
      return { found: [words(error)], listing: undefined };
    });
    if (this.#compile === undefined || (found.length === 0 && !anyway)) return;
    await this.#giveWhole(this.#compile(), listing);
    if (found.length > 0) this.#listener.mended(found);
    const again = await this.#readBack();
    if (again.found.length > 0)
      throw new Error(`the kernel's rules differ from the compiled ones: ${again.found.join('; ')}`);
  }

  #unverified(cause: unknown): void {
    this.#isVerified = false;
    this.#listener.state({ verified: false, detail: words(cause) });
  }

  async #readBack(): Promise<{ readonly found: readonly string[]; readonly listing: NftListing }> {
    const begun = monotonicMs();
    this.#isVerified = false;
    const listing = await listTable(FAMILY, TABLE);
    const ended = monotonicMs();
    const { shape, ends } = this.#table;
    const found =
      this.#compile === undefined ? [this.#whyUnknown] : differences(listing, shape, { ends, begun, ended });
    const [first] = found;
    this.#isVerified = first === undefined;
    this.#listener.state({
      verified: this.#isVerified,
      detail: first ?? 'read back and equal',
      ...(this.#isVerified ? this.#shapeOf(listing) : {}),
    });
    const handle = tableHandle(listing, TABLE) ?? 0;
    this.#listener.reading(begun, ended, { handle, values: counterValues(listing) });
    return { found, listing };
  }

  /** What was read back is what was given: of its rules those are proven that the kernel says it has. */
  #shapeOf(listing: NftListing): ShapeFinding | undefined {
    const read = shapeOfListing(listing);
    return read === undefined ? undefined : this.#shapes.find(this.#table.shape, read);
  }

  /** Verifies a change of elements only: listing a set takes a tenth of the time of the table. False when they differ or a set is missing. */
  async #verifyElements(change: TableChange): Promise<boolean> {
    if (change.text === '') return true;
    try {
      const listing = await listSets(FAMILY, TABLE, change.sets);
      return elementDifferences(listing, this.#table.shape, change).length === 0;
    } catch (error) {
      if (error instanceof RunError && error.code === 'failed') return false;
      throw error;
    }
  }

  /** False when the kernel refused: then its rules are not those that it was given before. */
  async #giveChange({ text, table }: TableChange): Promise<boolean> {
    try {
      if (text !== '') await this.#give(text);
      this.#table = table;
      return true;
    } catch (error) {
      if (error instanceof RunError && error.code === 'failed') return false;
      throw error;
    }
  }

  /** Replaces the whole table. `found`: a listing, so that chains in it that are not ours are removed. */
  async #giveWhole(ruleset: NftRuleset, found?: NftListing): Promise<void> {
    const text = rulesetText(ruleset);
    const table = GivenTable.of(ruleset, monotonicMs());
    this.#isVerified = false;
    await this.#give(found === undefined ? text : repairText(found, text));
    this.#table = table;
  }

  async #give(text: string): Promise<void> {
    this.#listener.changing();
    try {
      await applyRuleset(text);
    } catch (error) {
      // Refused as a whole, or nft was killed halfway: the next reading shows which.
      this.#isVerified = false;
      throw error;
    } finally {
      // On a busy machine it may have taken long: frames in between were counted by the old or the new rules.
      this.#listener.changing();
    }
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(task);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
