// Holds the box's state and carries every change of it to disk, listeners and kernel, in that order. A state is "in force" once the kernel
// has been read back and has it. The boot ruleset and block mode are on disk before anyone is told that they are in force.

import { networkInterfaces } from 'node:os';
import type { Exposure } from '../../src/guard/answers/correlation.ts';
import { protectedNames } from '../../src/guard/answers/answered-names.ts';
import { Learner } from '../../src/guard/answers/learner.ts';
import type { UsedServer } from '../../src/guard/answers/learner.ts';
import type { TapReport } from '../../src/guard/observation.ts';
import { IN_USE_SETS } from '../../src/policy/filter/answered.ts';
import type { AnsweredAddress } from '../../src/policy/filter/answered.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import { closedRuleset, compileRuleset, rulesetOf } from '../../src/policy/compile/nft.ts';
import type { NftRuleset } from '../../src/policy/compile/nft-model.ts';
import { once } from '../../src/policy/compile/per-policy.ts';
import { elementsOf, exposedElement } from '../../src/policy/compile/nft-sets.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Bridge } from '../bridge/bridge.ts';
import { monotonicMs } from '../os/clock.ts';
import type { Firewall } from '../bridge/firewall.ts';
import { yieldToEventLoop } from '../os/event-loop.ts';
import type { BoxRecord } from './state/box-record.ts';
import {
  drops,
  withExposures,
  withPolicy,
  openingsOf,
  passUntil,
  withPass,
  afterRefusal,
  stricter,
  initialState,
  withShownNames,
} from './state/box-state.ts';
import type { BoxState } from './state/box-state.ts';
import { readSession, writeSession } from './state/session-file.ts';

/**
 * A policy with more endpoints than this is checked for stale elements only by its endpoints with a host name: those given as an address
 * never change, and checking them in every round takes time in proportion to their number.
 */
const ENDPOINTS_CHECKED = 64;

/** The policy, reduced to the endpoints that are checked for stale elements. */
const stalenessPart = once((policy: Policy): Policy => {
  const count = policy.tunnels.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
  if (count <= ENDPOINTS_CHECKED) return policy;
  const byName = policy.tunnels.map((tunnel) => ({
    ...tunnel,
    endpoints: tunnel.endpoints.filter(({ hostIs }) => hostIs === 'name'),
  }));
  return { ...policy, tunnels: byName };
});

/** The box's own addresses are looked up at most this often, milliseconds. */
const OWN_ADDRESSES_MS = 500;

/** What enforcement needs from the daemon. */
export interface EnforcementParts {
  readonly firewall: Pick<Firewall, 'apply' | 'change' | 'isStale'>;
  readonly record: BoxRecord;
  /** Holds the session file, which survives this process but no boot. */
  readonly runtimeDir: string;
  /** Source MAC addresses of the box's own forged leaks, lower-case with colons. */
  readonly canary: readonly string[];
  /** Addresses that DNS answers have opened (src/policy/filter/answered.ts). */
  readonly answered: () => readonly AnsweredAddress[];
  /** The intended state, or the state in the kernel, changed at `at`, monotonic milliseconds. */
  readonly changed: (at: number) => void;
}

/** A pass was asked for while block mode is off. */
export class BlockModeOff extends Error {
  constructor() {
    super('block mode is off: everything may leave already, so a pass would open nothing');
    this.name = 'BlockModeOff';
  }
}

/** The box's state, and the way of each change into the kernel (ARCHITECTURE.md, What is enforced). */
export class Enforcement {
  readonly #parts: EnforcementParts;
  /** Addresses learned from the wire. They expire by themselves, so they are not part of the box's state. */
  readonly learner = new Learner();
  /** The intended state, and the last one that the kernel was given and confirmed. */
  #intended: BoxState;
  #inForce: BoxState | undefined;
  #bridge: Pick<Bridge, 'macs'> | undefined;
  #passOpenedAt = 0;
  #ownAddressesAt = -Infinity;
  /** Commands run one after another: each ends in force or leaves the state as it was. */
  #commands: Promise<unknown> = Promise.resolve();
  /** The kernel refused the intended state, or has not confirmed it: it is given again. */
  #isBehind = false;
  /** The protected names for which the kernel's sets of answered addresses were filled; undefined when that is not known. */
  #namesInForce: string | undefined;
  /** The state from which the rules for the next boot were made. */
  #boot: BoxState | undefined;

  constructor(parts: EnforcementParts) {
    this.#parts = parts;
    this.#intended = initialState(parts.record.blockMode);
    this.#namesInForce = readSession(parts.runtimeDir)?.names;
  }

  /** Whether a policy protects other names than those for which answers opened addresses: then these addresses are forgotten. */
  renames(policy: Policy): boolean {
    return this.#namesInForce !== protectedNames(policy);
  }

  /** Settles block mode from the rules found in the kernel at the start, for the case that the disk does not say. */
  recall(kernelBlocks: boolean): void {
    this.#parts.record.settleUnknown(kernelBlocks);
    this.#intended = initialState(this.#parts.record.blockMode);
  }

  /** The policy that is, or is about to be, in force; undefined while there is none. */
  get policy(): Policy | undefined {
    return this.#intended.policy;
  }

  /** Block mode as the kernel has it; before anything was applied, as it was when the box was last on. */
  get blockMode(): boolean {
    return (this.#inForce ?? this.#intended).blockMode;
  }

  /** Whether the kernel drops leaks now and is meant to continue: a frame that crosses during a switch is not a breach. */
  get drops(): boolean {
    return this.#inForce !== undefined && drops(this.#inForce) && drops(this.#intended);
  }

  /** When the last open pass ends, intended or still in the kernel, monotonic milliseconds; undefined when none is open. */
  get passUntil(): number | undefined {
    const now = monotonicMs();
    const ends = [this.#intended, this.#inForce ?? this.#intended].map((state) => passUntil(state, now) ?? 0);
    return Math.max(...ends) || undefined;
  }

  /** When the newest pass was opened, monotonic milliseconds; 0 when this process has opened none. */
  get passOpenedAt(): number {
    return this.#passOpenedAt;
  }

  /** The learned state that the taps judge by, without addresses opened by answers: the taps are told of those directly. */
  learned(): LearnedState {
    const now = monotonicMs();
    return { ...NOTHING_LEARNED, ...this.learner.state(now), ...openingsOf(this.#intended, now) };
  }

  /**
   * Puts a policy in force. For the first one, state from an earlier process is restored: addresses that tunnels `used`, IPv6 addresses (as
   * text) that clients `tried` while no daemon ran, and the session file. Rejects when the kernel refuses; the previous policy then stays.
   */
  async adopt(
    policy: Policy,
    bridge: Pick<Bridge, 'macs'>,
    used: readonly UsedServer[],
    tried: readonly string[],
  ): Promise<void> {
    await this.#command((before) => {
      this.#bridge = bridge;
      this.learner.setPolicy(policy);
      const after = { ...withPolicy(before, policy), ...this.#ownAddresses(policy) };
      if (before.policy !== undefined) return after;
      const session = readSession(this.#parts.runtimeDir);
      const now = monotonicMs();
      if (session !== undefined) this.learner.restore(session.learner);
      this.learner.recall(used, now);
      this.learner.recallTried(tried, now);
      return {
        ...after,
        passes: after.blockMode ? (session?.passes ?? []) : [],
        exposed: session?.exposed ?? [],
      };
    });
  }

  /**
   * Resolves when kernel and disk have it. Rejects, with everything as before, when the kernel refuses (RunError) or has other rules
   * afterwards (Error). A disk that cannot be written is a warning, not a refusal. The last call wins.
   */
  async setBlockMode(on: boolean): Promise<void> {
    // Without block mode nothing is closed that a pass could open.
    await this.#command((state) => ({ ...state, blockMode: on, passes: on ? state.passes : [] }));
  }

  /**
   * Opens a pass of so many seconds for one client (its MAC address, lower-case with colons) or, when undefined, for all; it replaces that
   * client's earlier one. Resolves and rejects like `setBlockMode`. Rejects with
   * BlockModeOff, too, when there is nothing to open.
   */
  async openPass(seconds: number, client: string | undefined): Promise<void> {
    const now = monotonicMs();
    this.#passOpenedAt = now;
    const pass = { until: now + seconds * 1_000, ...(client === undefined ? {} : { client }) };
    await this.#command((state) => {
      if (!state.blockMode) throw new BlockModeOff();
      return withPass(state, pass);
    });
  }

  /** Ends every open pass. Resolves and rejects like `setBlockMode`. */
  async endPass(): Promise<void> {
    if (passUntil(this.#intended, monotonicMs()) === undefined && !this.#isBehind) await this.#commands;
    else await this.#command((state) => ({ ...state, passes: [] }));
  }

  /** Records whether both taps are reading; until they are, `relock: closed` blocks. Rejects when the kernel refuses. */
  async setWatched(isWatched: boolean): Promise<void> {
    if (isWatched === this.#intended.isWatched || this.#intended.policy === undefined) return;
    this.#intend({ ...this.#intended, isWatched });
    await this.apply();
  }

  /**
   * Gives the kernel the intended state, and has it on disk before anyone is told that it is in force. Rejects when the kernel refused; a
   * later round tries again. Without a valid policy nothing crosses any bridge.
   */
  async apply(): Promise<void> {
    let given = this.#intended;
    try {
      const at = await this.#parts.firewall.apply(() => this.#rulesetOf((given = this.#intended)));
      if (given.policy !== undefined) this.#namesInForce = protectedNames(given.policy);
      this.#record(stricter(given, this.#intended));
      await this.#writeBootRuleset(given);
      this.#inForce = given;
      this.#isBehind = given !== this.#intended;
      this.#parts.changed(at);
    } catch (error) {
      this.#isBehind = true;
      throw error;
    }
  }

  /** Learns from a tap's report; true when the caller must call `apply`. */
  observe(report: TapReport): boolean {
    const now = monotonicMs();
    const hasLearned = this.learner.observe(report, now, passUntil(this.#intended, now) !== undefined);
    return this.#refreshOwnAddresses(now) || hasLearned;
  }

  /**
   * Has the rules watch addresses that were answered in the clear, or at which a protected name was shown. Only set elements are added,
   * which is fast enough to close a protected name before more of it is sent. Taps and guard are told once the kernel has them. Rejects
   * when the kernel refuses.
   */
  async expose(news: readonly Exposure[]): Promise<void> {
    if (news.length === 0) return;
    const now = monotonicMs();
    const { state, more } = withExposures(this.#intended, news, now);
    if (more.length === 0) return;
    this.#intended = state;
    this.#remember();
    await this.#parts.firewall.change(
      more.map(({ until, ...served }) => exposedElement({ ...served, seconds: (until - now) / 1_000 })),
    );
    this.#parts.changed(monotonicMs());
  }

  /** Reduces the names of watched addresses to what `show` leaves of them (the privacy in force), for taps and session file alike. */
  hide(show: (name: string) => string): void {
    this.#intend(withShownNames(this.#intended, show));
    this.#remember();
  }

  /**
   * Extends the learned addresses of the tunnels in use by these host names, and drops passes that have ended; true when the caller must
   * call `apply`, also because the kernel lags behind or its timeouts are about to run out.
   */
  keepAlive(names: ReadonlySet<string>): boolean {
    const { policy, passes } = this.#intended;
    if (policy === undefined) return false;
    const now = monotonicMs();
    const open = passes.filter(({ until }) => until > now);
    // The kernel ends the pass itself, but not the other rules that were added with it.
    const hasEnded = open.length < passes.length;
    if (hasEnded) this.#intend({ ...this.#intended, passes: open });
    const isExtended = names.size > 0 && this.learner.keepAlive(names, now);
    return (
      isExtended ||
      hasEnded ||
      this.#isBehind ||
      this.#parts.firewall.isStale(elementsOf(stalenessPart(policy), this.learned(), []))
    );
  }

  /** Writes the session file again, after its directory was removed. Never throws. */
  keep(): void {
    if (this.#intended.policy !== undefined) this.#remember();
  }

  async #command(change: (state: BoxState) => BoxState): Promise<void> {
    const turn = this.#commands.then(async () => {
      const before = this.#intended;
      const after = change(before);
      this.#record(stricter(before, after));
      this.#intend(after);
      try {
        await this.apply();
      } catch (error) {
        await this.#revert(before, after);
        throw error;
      }
    });
    this.#commands = turn.catch(() => undefined);
    return turn;
  }

  /** The caller will report that nothing changed. Before the first policy there is nothing to go back to: the boot rules stay. */
  async #revert(before: BoxState, after: BoxState): Promise<void> {
    if (before.policy !== undefined) this.learner.setPolicy(before.policy);
    this.#intend(afterRefusal(this.#intended, before, after));
    this.#record(this.#intended);
    if (before.policy !== undefined) await this.apply().catch(() => undefined);
  }

  #intend(state: BoxState): void {
    this.#intended = state;
    this.#parts.changed(monotonicMs());
  }

  #rulesetOf(state: BoxState): NftRuleset {
    const { policy, blockMode, isWatched, macs } = state;
    if (policy === undefined) return closedRuleset();
    const ruleset = rulesetOf(policy, {
      blockMode,
      unverified: !isWatched,
      canary: this.#parts.canary,
      learned: { ...this.learned(), answered: this.#parts.answered() },
      boxMacs: macs,
    });
    return this.renames(policy) ? { ...ruleset, emptied: IN_USE_SETS } : ruleset;
  }

  /** Writes what must survive a power cut, and what must survive this process. */
  #record(state: BoxState): void {
    if (state.policy === undefined) return;
    this.#parts.record.setBlockMode(state.blockMode);
    this.#remember(state);
  }

  /** A failed write is ignored, for closing must not depend on a disk; the next change writes again. */
  #remember({ passes, exposed } = stricter(this.#inForce ?? this.#intended, this.#intended)): void {
    try {
      writeSession(this.#parts.runtimeDir, {
        learner: this.learner.record(),
        names: this.#namesInForce ?? '',
        passes,
        exposed,
      });
    } catch {
      // Without the file the next process learns from scratch, and blocks more until it has.
    }
  }

  /** The rules that a boot loads before any of our programs runs: no passes, nothing learned. Written only when they change. */
  async #writeBootRuleset(state: BoxState): Promise<void> {
    const { policy, blockMode, macs } = state;
    const isCurrent = policy === this.#boot?.policy && blockMode === this.#boot?.blockMode;
    if (policy === undefined || (isCurrent && macs.join() === this.#boot?.macs.join())) return;
    await yieldToEventLoop();
    // The MAC address of forged leaks is new at every start, so it does not belong in the boot rules.
    const boot = compileRuleset(policy, { blockMode, unverified: true, canary: [], boxMacs: macs });
    this.#parts.record.setBootRuleset(boot, blockMode);
    this.#boot = state;
  }

  /** The box's own addresses change with its ports and its DHCP lease; true when they have changed. */
  #refreshOwnAddresses(now: number): boolean {
    const { policy, macs, addresses } = this.#intended;
    if (policy === undefined || now < this.#ownAddressesAt + OWN_ADDRESSES_MS) return false;
    this.#ownAddressesAt = now;
    const own = this.#ownAddresses(policy);
    if ([...own.macs, ...own.addresses].join() === [...macs, ...addresses].join()) return false;
    this.#intend({ ...this.#intended, ...own });
    return true;
  }

  /** When the process has run out of file handles, IPv4 addresses cannot be listed: the known ones stay. */
  #ownAddresses({ bridge: { name } }: Policy): Pick<BoxState, 'macs' | 'addresses'> {
    const macs = this.#bridge?.macs() ?? this.#intended.macs;
    try {
      const held = networkInterfaces()[name] ?? [];
      return {
        macs,
        addresses: held.flatMap(({ family, address }) => (family === 'IPv4' ? [address] : [])).sort(),
      };
    } catch {
      return { macs, addresses: this.#intended.addresses };
    }
  }
}
