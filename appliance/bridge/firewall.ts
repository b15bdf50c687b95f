// Knows: how the compiled ruleset gets into the kernel and is held against what the kernel says. Must not know: why.
// Compile purely, apply atomically, read back and verify. All changes go one after another.

import type { FirewallState } from '../../src/guard/guard.ts';
import { differences, expectedShape, mendingText, shapeKey } from '../../src/policy/compile/readback.ts';
import type { TableShape } from '../../src/policy/compile/readback.ts';
import { FAMILY, TABLE, refreshText, removeText, sparingText } from '../../src/policy/compile/nft-model.ts';
import type { NftElement } from '../../src/policy/compile/nft-model.ts';
import { monotonicMs } from '../os/clock.ts';
import { applyRuleset, counterValues, listTable, tableHandle } from './nftables.ts';
import type { TableCounters } from './nftables.ts';
import type { NftListing } from './nftables.ts';

export interface FirewallListener {
  state(state: FirewallState): void;
  /** The rules are about to be changed, or have just been. */
  changing(): void;
  /** The kernel's counters, read at some moment between the two (monotonic milliseconds). */
  reading(begun: number, ended: number, counters: TableCounters): void;
  /** The rules were found changed by somebody else, and have been put back. */
  mended(found: readonly string[]): void;
}

export class Firewall {
  readonly #listener: FirewallListener;
  /** What the kernel was given last. */
  #wanted: string | undefined;
  /** The same, once it was read back and equal; undefined from the first change on. */
  #held: string | undefined;
  #shape: { readonly of: string; readonly shape: TableShape } | undefined;
  /** Elements for a time that the kernel was given since, by set. */
  #since = new Map<string, Set<string>>();
  /** The same as it would be now: times to live have grown shorter, and an opening that ended is not opened again. */
  #compile: () => string = () => '';
  #queue: Promise<unknown> = Promise.resolve();

  constructor(listener: FirewallListener) {
    this.#listener = listener;
  }

  /**
   * Applies a compiled ruleset; resolves when the kernel has it and says so. Rejects (RunError) when it refused or could
   * not be read back; what was in force before then goes back, because whoever asked will say that nothing changed.
   */
  async apply(compile: () => string): Promise<number> {
    return this.#inTurn(async () => {
      const before = this.#wanted === undefined ? undefined : this.#compile;
      const ruleset = compile();
      // What is not so any more is found when it is read back, and given whole.
      await this.#give(this.#held === undefined ? ruleset : sparingText(ruleset, this.#held));
      this.#want(ruleset);
      this.#compile = compile;
      try {
        const appliedAt = monotonicMs();
        await this.#confirm();
        return appliedAt;
      } catch (error) {
        await this.#takeBack(before, error);
        throw error;
      }
    });
  }

  /** A foreign hand may have come between giving and reading: once, it is mended and told; twice, nothing holds. */
  async #confirm(): Promise<void> {
    const { found, listing } = await this.#readBack();
    if (found.length === 0 || this.#wanted === undefined) return;
    await this.#give(mendingText(listing, this.#wanted));
    this.#listener.mended(found);
    const again = await this.#readBack();
    if (again.found.length > 0)
      throw new Error(`the kernel has not what was compiled: ${again.found.join('; ')}`);
  }

  /** Puts elements in for a time, and takes others out, without a new ruleset, which must have all of them from now on. */
  async change(elements: readonly NftElement[], gone: readonly NftElement[] = []): Promise<void> {
    if (elements.length === 0 && gone.length === 0) return;
    await this.#inTurn(async () => {
      await this.#give(`${refreshText(elements)}${removeText(gone)}`);
      for (const element of elements) {
        const keys = this.#since.get(element.set) ?? new Set<string>();
        this.#since.set(element.set, keys.add(shapeKey(element)));
      }
    });
  }

  /** Empties sets that the kernel fills itself. */
  async empty(sets: readonly string[]): Promise<void> {
    await this.#inTurn(() => this.#give(sets.map((set) => `flush set ${FAMILY} ${TABLE} ${set}\n`).join('')));
  }

  /** Reads back; puts the wanted rules back when they differ, or `anyway` (after a breach). Never rejects. */
  async verify(anyway = false): Promise<void> {
    await this.#inTurn(async () => {
      try {
        const { found, listing } = await this.#readBack();
        if (this.#wanted === undefined || (found.length === 0 && !anyway)) return;
        const wanted = this.#compile();
        this.#want(wanted);
        await this.#give(mendingText(listing, wanted));
        if (found.length > 0) this.#listener.mended(found);
        await this.#readBack();
      } catch (error) {
        // A table that is gone altogether cannot be listed: that too is a foreign change to be mended.
        await this.#restore(error);
      }
    });
  }

  async #restore(cause: unknown): Promise<void> {
    const detail = cause instanceof Error ? cause.message : String(cause);
    this.#listener.state({ verified: false, detail });
    if (this.#wanted === undefined) return;
    try {
      const wanted = this.#compile();
      this.#want(wanted);
      await this.#give(wanted);
      this.#listener.mended([detail]);
      await this.#readBack();
    } catch (error) {
      this.#listener.state({
        verified: false,
        detail: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** Not read back here: the next round does, and until then nothing is verified. */
  async #takeBack(compile: (() => string) | undefined, cause: unknown): Promise<void> {
    this.#listener.state({ verified: false, detail: cause instanceof Error ? cause.message : String(cause) });
    if (compile === undefined) return;
    this.#compile = compile;
    const wanted = compile();
    this.#want(wanted);
    await this.#give(wanted).catch(() => undefined);
  }

  async #readBack(): Promise<{ readonly found: readonly string[]; readonly listing: NftListing }> {
    const begun = monotonicMs();
    this.#held = undefined;
    const listing = await listTable(FAMILY, TABLE);
    const ended = monotonicMs();
    const found =
      this.#wanted === undefined
        ? ['nothing was applied yet']
        : differences(listing, this.#expected(this.#wanted));
    const [first] = found;
    const detail = first === undefined ? 'read back and equal' : first;
    this.#held = first === undefined ? this.#wanted : undefined;
    this.#listener.state({ verified: first === undefined, detail });
    const handle = tableHandle(listing, TABLE) ?? 0;
    this.#listener.reading(begun, ended, { handle, values: counterValues(listing) });
    return { found, listing };
  }

  /** What was given is read back many times. */
  #expected(wanted: string): TableShape {
    if (this.#shape?.of !== wanted) this.#shape = { of: wanted, shape: expectedShape(wanted) };
    const { shape } = this.#shape;
    if (this.#since.size === 0) return shape;
    const timed = new Map(shape.timed);
    for (const [set, keys] of this.#since) timed.set(set, new Set([...(timed.get(set) ?? []), ...keys]));
    return { ...shape, timed };
  }

  #want(ruleset: string): void {
    this.#wanted = ruleset;
    this.#since = new Map();
  }

  async #give(text: string): Promise<void> {
    this.#listener.changing();
    try {
      await applyRuleset(text);
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
