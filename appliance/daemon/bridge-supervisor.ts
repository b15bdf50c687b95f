// Keeps the bridge intact: what is missing or changed is restored and reported, and until then the state is `blind`.

import type { Policy } from '../../src/policy/policy.ts';
import { Bridge } from '../bridge/bridge.ts';
import { monotonicMs } from '../os/clock.ts';
import { giveFixedAddress, hasFixedAddress } from '../bridge/fixed-address.ts';
import type { UndoRecord } from '../os/undo-record.ts';
import type { Warnings } from './warnings.ts';
import { errorText } from './warnings.ts';

/** How often the ports' offloads, and ways around the bridge, are checked, milliseconds: both start other programs. */
const OFFLOADS_MS = 10_000;
const BYPASS_MS = 1_000;
/** Most faults that one warning lists. */
const LISTED_FAULTS = 3;

/** What the supervisor needs from the daemon. */
export interface BridgeSupervisorParts {
  readonly undo: UndoRecord;
  readonly warnings: Warnings;
  /** Called with the reasons why the bridge is not intact; empty when it is. */
  readonly faults: (faults: readonly string[]) => void;
  /** Called with the names of the ports that have no cable, at every check. */
  readonly unplugged: (ports: readonly string[]) => void;
}

/** One bridge, from its creation until the daemon ends. */
export class BridgeSupervisor {
  readonly #bridge: Bridge;
  readonly #name: string;
  readonly #parts: BridgeSupervisorParts;
  #address: string | undefined;
  #isReachable = false;
  #offloadsAt = monotonicMs();
  #bypassAt = -Infinity;
  #bypasses: readonly string[] = [];
  /** It was intact once: every difference from then on was made from outside. */
  #wasIntact = false;

  constructor(names: Policy['bridge'], parts: BridgeSupervisorParts) {
    this.#bridge = new Bridge(names, parts.undo, monotonicMs);
    this.#name = names.name;
    this.#parts = parts;
  }

  /**
   * Creates the bridge without its ports, and takes the page's address from the policy: the bridge's MAC address must be known before the
   * rules are made. Rejects with BridgeError.
   */
  async prepare(policy: Policy): Promise<Bridge> {
    const { address } = policy.management;
    this.#address = typeof address === 'object' ? address.static : undefined;
    this.#isReachable = address !== 'none';
    await this.#bridge.prepare();
    return this.#bridge;
  }

  /**
   * Adds the ports to the bridge; the ruleset must be loaded. A failure becomes a warning and is retried by `mend`. Never rejects, except
   * when the fixed address cannot be checked.
   */
  async raise(): Promise<void> {
    const { warnings, faults } = this.#parts;
    try {
      await this.#bridge.raise(this.#address);
      warnings.clear('bridge');
      this.#wasIntact = true;
      faults([]);
    } catch (error) {
      warnings.set('bridge', `The bridge is not whole: ${errorText(error)}.`);
      faults([errorText(error)]);
    }
    await this.ensureFixedAddress();
  }

  /**
   * Gives the bridge the page's fixed address where it is missing. A failure is only a warning: the box guards without it. Rejects when the
   * routing tables cannot be read.
   */
  async ensureFixedAddress(): Promise<void> {
    const { undo, warnings } = this.#parts;
    if (!this.#isReachable || hasFixedAddress(this.#name)) return;
    try {
      await giveFixedAddress(this.#name, undo);
      warnings.clear('fixed-address');
    } catch (error) {
      warnings.set('fixed-address', `The page's fixed address cannot be set: ${errorText(error)}.`);
    }
  }

  /**
   * Checks the bridge, reports what is wrong and restores it. Faults that were restored are reported until the next check confirms it.
   * Rejects when the bridge cannot be checked.
   */
  async mend(): Promise<void> {
    const { warnings, faults } = this.#parts;
    const isFull = this.#bridge.boundTable();
    warnings.put('bridge-table', isFull ? FULL : undefined);
    this.#parts.unplugged(this.#bridge.unplugged());
    const found = this.#bridge.faults();
    const slow = await this.#offloadFaults();
    await this.#checkBypasses();
    if (found.length + slow.length === 0) {
      this.#report(this.#bypasses);
      return;
    }
    // Reported before it is restored: until then traffic may have crossed unseen.
    faults([...found, ...this.#bypasses]);
    try {
      await this.#bridge.raise(this.#address);
    } catch {
      // The faults are reported below in the same words every time, so that a port that stays away does not fill the log.
    }
    const left = this.#bridge.faults();
    const restored = [...found, ...slow].filter((fault) => !left.includes(fault));
    if (this.#wasIntact && restored.length > 0) warnings.set('bridge-mended', restoredText(restored));
    if (left.length === 0) this.#wasIntact = true;
    this.#report([...left, ...this.#bypasses]);
    // It counts as intact only when the next check confirms it; besides, a light that is red for an instant would not be noticed.
    if (left.length === 0) faults([...found, ...this.#bypasses]);
  }

  #report(faults: readonly string[]): void {
    const { warnings } = this.#parts;
    this.#parts.faults(faults);
    warnings.put(
      'bridge',
      faults.length === 0
        ? undefined
        : `The bridge is not whole: ${faults.slice(0, LISTED_FAULTS).join('; ')}.`,
    );
  }

  /** Merged frames are still seen by the taps: an offload that is on again is turned off and reported, but is not a reason for `blind`. */
  async #offloadFaults(): Promise<string[]> {
    if (monotonicMs() - this.#offloadsAt < OFFLOADS_MS) return [];
    this.#offloadsAt = monotonicMs();
    return this.#bridge.offloadFaults();
  }

  async #checkBypasses(): Promise<void> {
    if (monotonicMs() - this.#bypassAt < BYPASS_MS) return;
    try {
      this.#bypasses = await this.#bridge.waysAround();
    } catch (error) {
      // When ways around the bridge cannot be ruled out, it does not count as intact.
      this.#bypasses = [`ways around it cannot be checked for (${errorText(error)})`];
    }
    this.#bypassAt = monotonicMs();
  }
}

const FULL =
  'Devices on lan use too many MAC addresses: for a few seconds frames between them may also be sent to wan.';

function restoredText(found: readonly string[]): string {
  return `Another program changed the bridge; it has been restored: ${found.slice(0, LISTED_FAULTS).join('; ')}.`;
}
