// Knows: how the compiled ruleset gets into the kernel and is held against what the kernel says. Must not know: why.
// Compile purely, apply atomically, read back and verify. All changes go one after another. What changes little is given and read
// back little; all of it is read back in every round.

import type { FirewallState } from '../../src/guard/guard.ts';
import { GivenTable } from '../../src/policy/compile/nft-change.ts';
import type { TableChange } from '../../src/policy/compile/nft-change.ts';
import { FAMILY, TABLE, rulesetText } from '../../src/policy/compile/nft-model.ts';
import type { NftElement, NftRuleset } from '../../src/policy/compile/nft-model.ts';
import {
  differences,
  elementDifferences,
  mendingText,
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
  /** The rules are about to be changed, or have just been. */
  changing(): void;
  /** The kernel's counters, read at some moment between the two (monotonic milliseconds). */
  reading(begun: number, ended: number, counters: TableCounters): void;
  /** The rules were found changed by somebody else, and have been put back. */
  mended(found: readonly string[]): void;
}

/** In place of a ruleset, where none was given yet. */
const NOTHING: NftRuleset = { counters: [], sets: [], elements: [], chains: [] };

export class Firewall {
  readonly #listener: FirewallListener;
  /** What the kernel was given. */
  #table = GivenTable.of(NOTHING, 0);
  /** It was read back, and equal. */
  #isHeld = false;
  /**
   * The ruleset as it would be now: times to live have grown shorter, and an opening that ended is not opened again. Undefined while nobody
   * knows what the kernel should have: before the first, and after one that it may or may not have taken.
   */
  #compile: (() => NftRuleset) | undefined;
  readonly #shapes = new TableShapes();
  #whyUnknown = 'nothing was applied yet';
  #queue: Promise<unknown> = Promise.resolve();

  constructor(listener: FirewallListener) {
    this.#listener = listener;
  }

  /**
   * Gives the kernel what differs from what it has; resolves with the monotonic time at which it had that, when it says so. Rejects
   * (RunError) when it refused or could not be read back.
   */
  async apply(compile: () => NftRuleset): Promise<number> {
    return this.#inTurn(async () => {
      try {
        return await this.#apply(compile);
      } catch (error) {
        // Whoever asked says that nothing has changed: what the kernel may have taken all the same is nobody's to vouch for.
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
    const change = this.#isHeld ? this.#table.changeTo(wanted, monotonicMs()) : undefined;
    const isGiven = change !== undefined && (await this.#giveChange(change));
    if (!isGiven) await this.#giveWhole(wanted);
    const appliedAt = monotonicMs();
    if (!isGiven || change.isOfRules || !(await this.#holdsElements(change))) await this.#hold();
    return appliedAt;
  }

  /** Puts elements in for a time, and takes others out; the ruleset must have all of them from now on. */
  async change(come: readonly NftElement[], gone: readonly NftElement[] = []): Promise<void> {
    if (come.length === 0 && gone.length === 0) return;
    await this.#inTurn(async () => {
      const { text, table } = this.#table.with(come, gone, monotonicMs());
      await this.#give(text);
      this.#table = table;
    });
  }

  /** Whether the kernel will let go of one of these long before its time. */
  isStale(elements: readonly NftElement[]): boolean {
    return this.#table.isStale(elements, monotonicMs());
  }

  /** Empties sets that the kernel fills itself. */
  async empty(sets: readonly string[]): Promise<void> {
    await this.#inTurn(() => this.#give(sets.map((set) => `flush set ${FAMILY} ${TABLE} ${set}\n`).join('')));
  }

  /** Reads back; puts the wanted rules back when they differ, or `anyway` (after a breach). Never rejects. */
  async verify(anyway = false): Promise<void> {
    await this.#inTurn(() => this.#hold(anyway).catch((error: unknown) => this.#unverified(error)));
  }

  /** A foreign hand may have come between giving and reading: once, it is mended and told; twice, nothing holds. */
  async #hold(anyway = false): Promise<void> {
    const { found, listing } = await this.#readBack().catch((error: unknown) => {
      // A table that is gone altogether cannot be listed: that too is a foreign change to be mended.
      this.#unverified(error);
      return { found: [words(error)], listing: undefined };
    });
    if (this.#compile === undefined || (found.length === 0 && !anyway)) return;
    await this.#giveWhole(this.#compile(), listing);
    if (found.length > 0) this.#listener.mended(found);
    const again = await this.#readBack();
    if (again.found.length > 0)
      throw new Error(`the kernel has not what was compiled: ${again.found.join('; ')}`);
  }

  #unverified(cause: unknown): void {
    this.#isHeld = false;
    this.#listener.state({ verified: false, detail: words(cause) });
  }

  async #readBack(): Promise<{ readonly found: readonly string[]; readonly listing: NftListing }> {
    const begun = monotonicMs();
    this.#isHeld = false;
    const listing = await listTable(FAMILY, TABLE);
    const ended = monotonicMs();
    const found = this.#compile === undefined ? [this.#whyUnknown] : differences(listing, this.#table.shape);
    const [first] = found;
    this.#isHeld = first === undefined;
    this.#listener.state({
      verified: this.#isHeld,
      detail: first ?? 'read back and equal',
      ...(this.#isHeld ? this.#shapeOf(listing) : {}),
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

  /** Of a change of elements alone: a set is listed in a tenth of the time that a table takes. What cannot be listed is not held. */
  async #holdsElements(change: TableChange): Promise<boolean> {
    if (change.text === '') return true;
    try {
      const listing = await listSets(FAMILY, TABLE, change.sets);
      return elementDifferences(listing, this.#table.shape, change).length === 0;
    } catch (error) {
      if (error instanceof RunError && error.code === 'failed') return false;
      throw error;
    }
  }

  /** False when the kernel refused: then it has not what it was given before. */
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

  /** `found`: a listing that shows what is not ours. */
  async #giveWhole(ruleset: NftRuleset, found?: NftListing): Promise<void> {
    const text = rulesetText(ruleset);
    const table = GivenTable.of(ruleset, monotonicMs());
    this.#isHeld = false;
    await this.#give(found === undefined ? text : mendingText(found, text));
    this.#table = table;
  }

  async #give(text: string): Promise<void> {
    this.#listener.changing();
    try {
      await applyRuleset(text);
    } catch (error) {
      // Refused as a whole, or nft was ended on the way: the next round tells which.
      this.#isHeld = false;
      throw error;
    } finally {
      // It may have waited for a busy machine: what was counted meanwhile was counted by either.
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
