// Knows: that the bridge stays whole: what is missing or changed is put back and told, and while it is not whole nobody may say
// that all is well. Must not know: rules, taps.

import type { Policy } from '../../src/policy/policy.ts';
import { Bridge } from '../bridge/bridge.ts';
import { monotonicMs } from '../os/clock.ts';
import { giveFixedAddress, hasFixedAddress } from '../bridge/fixed-address.ts';
import type { UndoRecord } from '../os/undo-record.ts';
import type { Warnings } from './warnings.ts';
import { words } from './warnings.ts';

/** Between two looks at the offloads of the ports, and at what lies around the bridge: they ask programs. */
const OFFLOADS_MS = 10_000;
const AROUND_MS = 1_000;
/** Faults that are named in one sentence. */
const NAMED_MOST = 3;

export interface BridgeSupervisorParts {
  readonly undo: UndoRecord;
  readonly warnings: Warnings;
  /** Why the bridge is not whole; empty when it is. */
  readonly faults: (faults: readonly string[]) => void;
  /** Ports without a cable, at every look. */
  readonly unplugged: (ports: readonly string[]) => void;
}

export class BridgeSupervisor {
  readonly #bridge: Bridge;
  readonly #name: string;
  readonly #parts: BridgeSupervisorParts;
  #address: string | undefined;
  #isReached = false;
  #offloadsAt = monotonicMs();
  #aroundAt = -Infinity;
  #around: readonly string[] = [];
  /** It was whole once: what differs from then on is another hand's doing. */
  #wasWhole = false;

  constructor(names: Policy['bridge'], parts: BridgeSupervisorParts) {
    this.#bridge = new Bridge(names, parts.undo, monotonicMs);
    this.#name = names.name;
    this.#parts = parts;
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
    const { warnings, faults } = this.#parts;
    try {
      await this.#bridge.raise(this.#address);
      warnings.clear('bridge');
      this.#wasWhole = true;
      faults([]);
    } catch (error) {
      warnings.set('bridge', `The bridge is not whole: ${words(error)}.`);
      faults([words(error)]);
    }
    await this.beReached();
  }

  /** The page's fixed address. Without it the box guards all the same. */
  async beReached(): Promise<void> {
    const { undo, warnings } = this.#parts;
    if (!this.#isReached || hasFixedAddress(this.#name)) return;
    try {
      await giveFixedAddress(this.#name, undo);
      warnings.clear('fixed-address');
    } catch (error) {
      warnings.set('fixed-address', `The page's fixed address cannot be had: ${words(error)}.`);
    }
  }

  /** Looks, says what is not as it must be, and puts it back. Never rejects. */
  async mend(): Promise<void> {
    const { warnings, faults } = this.#parts;
    const isFull = this.#bridge.boundTable();
    warnings.put('bridge-table', isFull ? FULL : undefined);
    this.#parts.unplugged(this.#bridge.unplugged());
    const found = this.#bridge.faults();
    const slow = await this.#offloadFaults();
    await this.#lookAround();
    if (found.length + slow.length === 0) {
      this.#say(this.#around);
      return;
    }
    // Said before it is put back: until then nobody could vouch for what crossed.
    faults([...found, ...this.#around]);
    try {
      await this.#bridge.raise(this.#address);
    } catch {
      // What is wrong is said below, in the same words every time: a port that stays away must not fill the log.
    }
    const left = this.#bridge.faults();
    const mended = [...found, ...slow].filter((fault) => !left.includes(fault));
    if (this.#wasWhole && mended.length > 0) warnings.set('bridge-mended', mendedWords(mended));
    if (left.length === 0) this.#wasWhole = true;
    this.#say([...left, ...this.#around]);
    // What was put back is whole when the next look has found it so, and a light that was red for a moment was seen by nobody.
    if (left.length === 0) faults([...found, ...this.#around]);
  }

  #say(faults: readonly string[]): void {
    const { warnings } = this.#parts;
    this.#parts.faults(faults);
    warnings.put(
      'bridge',
      faults.length === 0 ? undefined : `The bridge is not whole: ${faults.slice(0, NAMED_MOST).join('; ')}.`,
    );
  }

  /** An offload that is on again merges frames, which taps still see: put back and told, and no reason to vouch for nothing. */
  async #offloadFaults(): Promise<string[]> {
    if (monotonicMs() - this.#offloadsAt < OFFLOADS_MS) return [];
    this.#offloadsAt = monotonicMs();
    return this.#bridge.offloadFaults();
  }

  async #lookAround(): Promise<void> {
    if (monotonicMs() - this.#aroundAt < AROUND_MS) return;
    try {
      this.#around = await this.#bridge.waysAround();
    } catch (error) {
      // Not known is not known to be whole.
      this.#around = [`what lies around it cannot be looked at (${words(error)})`];
    }
    this.#aroundAt = monotonicMs();
  }
}

const FULL =
  'Devices on lan use more addresses than a network has: for some seconds frames between them may be sent to wan, too.';

function mendedWords(found: readonly string[]): string {
  return `The bridge was changed from outside and has been put back: ${found.slice(0, NAMED_MOST).join('; ')}.`;
}
