// Knows: that the bridge stays whole: ports that come late or go are put back. Must not know: rules, taps.

import type { Policy } from '../../src/policy/policy.ts';
import { Bridge } from '../bridge.ts';
import { monotonicMs } from '../clock.ts';
import { giveFixedAddress, hasFixedAddress } from '../fixed-address.ts';
import type { UndoRecord } from '../undo-record.ts';
import type { Warnings } from './warnings.ts';
import { words } from './warnings.ts';

/** Between two looks at the offloads of the ports, which ask a program. */
const OFFLOADS_MS = 10_000;

export class BridgeKeeper {
  readonly #bridge: Bridge;
  readonly #name: string;
  readonly #undo: UndoRecord;
  readonly #warnings: Warnings;
  #address: string | undefined;
  #isReached = false;
  #offloadsAt = monotonicMs();

  constructor(names: Policy['bridge'], undo: UndoRecord, warnings: Warnings) {
    this.#bridge = new Bridge(names, undo);
    this.#name = names.name;
    this.#undo = undo;
    this.#warnings = warnings;
  }

  /** The bridge without its ports: its address must be known before the rules. */
  async prepare(policy: Policy): Promise<Bridge> {
    const { address } = policy.management;
    this.#address = typeof address === 'object' ? address.static : undefined;
    this.#isReached = address !== 'none';
    await this.#bridge.prepare();
    return this.#bridge;
  }

  /** Enslaves the ports; what is missing becomes a warning and is tried again. The ruleset must stand. */
  async raise(): Promise<void> {
    try {
      await this.#bridge.raise(this.#address);
      this.#warnings.clear('bridge');
    } catch (error) {
      this.#warnings.set('bridge', `The bridge is not whole: ${words(error)}.`);
    }
    await this.#beReached();
  }

  /** The page's fixed address. Without it the box guards all the same. */
  async #beReached(): Promise<void> {
    if (!this.#isReached || hasFixedAddress(this.#name)) return;
    try {
      await giveFixedAddress(this.#name, this.#undo);
      this.#warnings.clear('fixed-address');
    } catch (error) {
      this.#warnings.set('fixed-address', `The page's fixed address cannot be had: ${words(error)}.`);
    }
  }

  /** Puts back what is not as it must be. */
  async mend(): Promise<void> {
    await this.#beReached();
    const faults = this.#bridge.faults();
    if (monotonicMs() - this.#offloadsAt > OFFLOADS_MS) {
      this.#offloadsAt = monotonicMs();
      faults.push(...(await this.#bridge.offloadFaults()));
    }
    if (faults.length === 0) {
      this.#warnings.clear('bridge');
      return;
    }
    try {
      await this.#bridge.raise(this.#address);
    } catch {
      // What is wrong is said below, in the same words every time: a port that stays away must not fill the log.
    }
    const left = this.#bridge.faults();
    if (left.length > 0) this.#warnings.set('bridge', `The bridge is not whole: ${left.join('; ')}.`);
  }
}
