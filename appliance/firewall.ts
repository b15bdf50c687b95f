// Knows: how the compiled ruleset gets into the kernel and is held against what the kernel says. Must not know: why.
// DESIGN section 6: compile purely, apply atomically, read back and verify. All changes go one after another.

import type { FirewallState } from '../src/guard/guard.ts';
import { differences } from '../src/policy/readback.ts';
import { FAMILY, TABLE } from '../src/policy/nft-model.ts';
import { monotonicMs } from './clock.ts';
import { applyRuleset, counterValues, listTable } from './nftables.ts';

export interface FirewallListener {
  state(state: FirewallState): void;
  reading(at: number, values: ReadonlyMap<string, number>): void;
  /** The rules were found changed by somebody else, and have been put back. */
  mended(found: readonly string[]): void;
}

export class Firewall {
  readonly #listener: FirewallListener;
  #wanted: string | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(listener: FirewallListener) {
    this.#listener = listener;
  }

  /** Applies a compiled ruleset; resolves when the kernel has it and says so, rejects (RunError) when it refused. */
  async apply(ruleset: string): Promise<number> {
    return this.#inTurn(async () => {
      await applyRuleset(ruleset);
      this.#wanted = ruleset;
      const appliedAt = monotonicMs();
      const found = await this.#readBack();
      if (found.length > 0) throw new Error(`the kernel has not what was compiled: ${found.join('; ')}`);
      return appliedAt;
    });
  }

  /** Changes elements of sets without a new ruleset. */
  async change(text: string): Promise<void> {
    await this.#inTurn(async () => {
      await applyRuleset(text);
    });
  }

  /** Reads back; puts the wanted rules back when they differ. Never rejects. */
  async verify(): Promise<void> {
    await this.#inTurn(async () => {
      try {
        const found = await this.#readBack();
        if (found.length === 0 || this.#wanted === undefined) return;
        await applyRuleset(this.#wanted);
        this.#listener.mended(found);
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
      await applyRuleset(this.#wanted);
      this.#listener.mended([detail]);
      await this.#readBack();
    } catch (error) {
      this.#listener.state({
        verified: false,
        detail: error instanceof Error ? error.message : String(error),
      });
    }
  }

  async #readBack(): Promise<string[]> {
    const at = monotonicMs();
    const listing = await listTable(FAMILY, TABLE);
    const found =
      this.#wanted === undefined ? ['nothing was applied yet'] : differences(listing, this.#wanted);
    const [first] = found;
    const detail = first === undefined ? 'read back and equal' : first;
    this.#listener.state({ verified: first === undefined, detail });
    this.#listener.reading(at, counterValues(listing));
    return found;
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(task);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}
