// Knows: the state of the box, that kernel, disk and whoever listens follow each change of it, and in which order. Must not know: what
// frames mean, HTTP. In force means: the kernel has it and says so. The boot ruleset and block mode are on disk before anyone is told
// that they hold.

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
import { othersTurn } from '../os/others-turn.ts';
import type { BoxRecord } from './state/box-record.ts';
import {
  drops,
  exposing,
  governed,
  openingsOf,
  passUntil,
  passing,
  refused,
  stricter,
  unwatched,
  veiled,
} from './state/box-state.ts';
import type { BoxState } from './state/box-state.ts';
import { readSession, writeSession } from './state/session-file.ts';

/** Of more servers than this only those by name are asked about again and again: the others never change, and take as long as they are many. */
const SERVERS_ASKED = 64;

/** What of a policy takes part in what is learned. */
const learningPart = once((policy: Policy): Policy => {
  const count = policy.tunnels.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
  if (count <= SERVERS_ASKED) return policy;
  const byName = policy.tunnels.map((tunnel) => ({
    ...tunnel,
    endpoints: tunnel.endpoints.filter(({ hostIs }) => hostIs === 'name'),
  }));
  return { ...policy, tunnels: byName };
});

/** Between two looks at the box's own addresses, milliseconds. */
const BOX_LOOK_MS = 500;

export interface EnforcementParts {
  readonly firewall: Pick<Firewall, 'apply' | 'change' | 'isStale'>;
  readonly record: BoxRecord;
  readonly runtimeDir: string;
  /** Senders of the box's own forged leaks. */
  readonly canary: readonly string[];
  /** What answers have opened (src/policy/filter/answered.ts). */
  readonly answered: () => readonly AnsweredAddress[];
  /** What is meant, or what the kernel has, is another since `at`, monotonic milliseconds. */
  readonly changed: (at: number) => void;
}

export class Enforcement {
  readonly #parts: EnforcementParts;
  /** What the wire teaches beside it: it forgets by itself. */
  readonly learner = new Learner();
  /** As it is to be, and as the kernel was given it last and has said so. */
  #meant: BoxState;
  #inForce: BoxState | undefined;
  #bridge: Pick<Bridge, 'macs'> | undefined;
  #passOpenedAt = 0;
  #boxLookedAt = -Infinity;
  /** Commands come one after another: each ends in force, or as if it had not been. */
  #commands: Promise<unknown> = Promise.resolve();
  /** The kernel has refused, or not said that it has, what is meant: it is given again. */
  #isBehind = false;
  /** For which protected names the kernel's sets of answered addresses were filled; undefined: nobody knows. */
  #namesInForce: string | undefined;
  /** Of what the rules for the next boot were made. */
  #boot: BoxState | undefined;

  constructor(parts: EnforcementParts) {
    this.#parts = parts;
    this.#meant = unwatched(parts.record.blockMode);
    this.#namesInForce = readSession(parts.runtimeDir)?.names;
  }

  /** Whether a policy protects other names than those for which answers have opened addresses: then these are forgotten. */
  renames(policy: Policy): boolean {
    return this.#namesInForce !== protectedNames(policy);
  }

  /** What the kernel was found to do before anything was given to it: the last place that tells of block mode. */
  recall(kernelBlocks: boolean): void {
    this.#parts.record.settleUnknown(kernelBlocks);
    this.#meant = unwatched(this.#parts.record.blockMode);
  }

  /** The one that is, or is about to be, in force. */
  get policy(): Policy | undefined {
    return this.#meant.policy;
  }

  /** As the kernel has it; before it has any, as it was when the box was last on. */
  get blockMode(): boolean {
    return (this.#inForce ?? this.#meant).blockMode;
  }

  /** Whether the kernel drops leaks and is to go on: what crosses while it is being closed or opened breaks no rule. */
  get drops(): boolean {
    return this.#inForce !== undefined && drops(this.#inForce) && drops(this.#meant);
  }

  /** The latest end of a pass that is open, or about to be, in the kernel too, monotonic milliseconds. */
  get passUntil(): number | undefined {
    const now = monotonicMs();
    const ends = [this.#meant, this.#inForce ?? this.#meant].map((state) => passUntil(state, now) ?? 0);
    return Math.max(...ends) || undefined;
  }

  /** When the newest pass was opened, monotonic milliseconds; 0 for one from before this process. */
  get passOpenedAt(): number {
    return this.#passOpenedAt;
  }

  /** What the taps judge by; they learn from answers by themselves. */
  learned(): LearnedState {
    const now = monotonicMs();
    return { ...NOTHING_LEARNED, ...this.learner.state(now), ...openingsOf(this.#meant, now) };
  }

  /**
   * Puts a policy in force. For the first one counts what outlived an earlier process: addresses that tunnels `used`, and IPv6 addresses
   * that clients `tried` while none ran.
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
      const after = { ...governed(before, policy), ...this.#ownAddresses(policy) };
      if (before.policy !== undefined) return after;
      const session = readSession(this.#parts.runtimeDir);
      const now = monotonicMs();
      if (session !== undefined) this.learner.restore(session.learner);
      this.learner.recall(used, now);
      this.learner.recallTried(tried, now);
      return { ...after, passes: session?.passes ?? [], exposed: session?.exposed ?? [] };
    });
  }

  /** Resolves when the kernel has it and the disk was told; rejects with everything as it was. The last call decides. */
  async setBlockMode(on: boolean): Promise<void> {
    await this.#command((state) => ({ ...state, blockMode: on }));
  }

  async openPass(seconds: number, client: string | undefined): Promise<void> {
    const now = monotonicMs();
    this.#passOpenedAt = now;
    const pass = { until: now + seconds * 1_000, ...(client === undefined ? {} : { client }) };
    await this.#command((state) => passing(state, pass));
  }

  async endPass(): Promise<void> {
    if (passUntil(this.#meant, monotonicMs()) === undefined && !this.#isBehind) await this.#commands;
    else await this.#command((state) => ({ ...state, passes: [] }));
  }

  /** Says whether the taps read what crosses; until they do, `relock: closed` holds the wire closed. */
  async setWatched(isWatched: boolean): Promise<void> {
    if (isWatched === this.#meant.isWatched || this.#meant.policy === undefined) return;
    this.#mean({ ...this.#meant, isWatched });
    await this.apply();
  }

  /**
   * Gives the kernel what has changed, and has it on disk before anyone is told that it holds; rejects when the kernel refused, and it is
   * tried again. Without a valid policy: nothing crosses any bridge.
   */
  async apply(): Promise<void> {
    let given = this.#meant;
    try {
      const at = await this.#parts.firewall.apply(() => this.#rulesetOf((given = this.#meant)));
      if (given.policy !== undefined) this.#namesInForce = protectedNames(given.policy);
      this.#record(stricter(given, this.#meant));
      await this.#writeBootRuleset(given);
      this.#inForce = given;
      this.#isBehind = given !== this.#meant;
      this.#parts.changed(at);
    } catch (error) {
      this.#isBehind = true;
      throw error;
    }
  }

  /** Learns from a tap's report; true when the caller has to apply. */
  observe(report: TapReport): boolean {
    const now = monotonicMs();
    const hasLearned = this.learner.observe(report, now, passUntil(this.#meant, now) !== undefined);
    return this.#lookAtBox(now) || hasLearned;
  }

  /**
   * Has the rules watch what was answered, or showed a protected name, in the clear. By elements alone: a protected name is closed before
   * more of it is said. Those who judge hear of it when the kernel has it. Rejects when it was refused.
   */
  async expose(news: readonly Exposure[]): Promise<void> {
    if (news.length === 0) return;
    const now = monotonicMs();
    const { state, more } = exposing(this.#meant, news, now);
    if (more.length === 0) return;
    this.#meant = state;
    this.#remember();
    await this.#parts.firewall.change(
      more.map(({ until, ...served }) => exposedElement({ ...served, seconds: (until - now) / 1_000 })),
    );
    this.#parts.changed(monotonicMs());
  }

  /** The privacy in force shows no more of the names of these addresses than `show` leaves: taps and record hold nothing else. */
  hide(show: (name: string) => string): void {
    this.#mean(veiled(this.#meant, show));
    this.#remember();
  }

  /** Tunnels in use by these host names keep their learned addresses; true when the caller has to apply. */
  keepAlive(names: ReadonlySet<string>): boolean {
    const { policy, passes } = this.#meant;
    if (policy === undefined) return false;
    const now = monotonicMs();
    const open = passes.filter(({ until }) => until > now);
    // What a pass had the rules take beside it does not end with it by itself.
    const hasEnded = open.length < passes.length;
    if (hasEnded) this.#mean({ ...this.#meant, passes: open });
    const isProlonged = names.size > 0 && this.learner.keepAlive(names, now);
    return (
      isProlonged ||
      hasEnded ||
      this.#isBehind ||
      this.#parts.firewall.isStale(elementsOf(learningPart(policy), this.learned(), []))
    );
  }

  /** Writes down what outlives this process, when the place for it was removed. */
  keep(): void {
    if (this.#meant.policy !== undefined) this.#remember();
  }

  async #command(change: (state: BoxState) => BoxState): Promise<void> {
    const turn = this.#commands.then(async () => {
      const before = this.#meant;
      const after = change(before);
      this.#record(stricter(before, after));
      this.#mean(after);
      try {
        await this.apply();
      } catch (error) {
        await this.#takeBack(before, after);
        throw error;
      }
    });
    this.#commands = turn.catch(() => undefined);
    return turn;
  }

  /** Whoever asked will say that nothing changed. Of the first policy of all there is nothing to go back to: the rules of the boot stay. */
  async #takeBack(before: BoxState, after: BoxState): Promise<void> {
    if (before.policy !== undefined) this.learner.setPolicy(before.policy);
    this.#mean(refused(this.#meant, before, after));
    this.#record(this.#meant);
    if (before.policy !== undefined) await this.apply().catch(() => undefined);
  }

  #mean(state: BoxState): void {
    this.#meant = state;
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

  /** What outlives the power, and what this process. */
  #record(state: BoxState): void {
    if (state.policy === undefined) return;
    this.#parts.record.setBlockMode(state.blockMode);
    this.#remember(state);
  }

  /** What cannot be written down holds all the same: closing must not depend on a disk. It is written with the next change. */
  #remember({ passes, exposed } = stricter(this.#inForce ?? this.#meant, this.#meant)): void {
    try {
      writeSession(this.#parts.runtimeDir, {
        learner: this.learner.record(),
        names: this.#namesInForce ?? '',
        passes,
        exposed,
      });
    } catch {
      // Without it the next process learns anew, and is more closed until it has.
    }
  }

  /** What a boot loads before any program of ours runs: no pass, nothing learned. Written only when it changes. */
  async #writeBootRuleset(state: BoxState): Promise<void> {
    const { policy, blockMode, macs } = state;
    const isMadeOf = policy === this.#boot?.policy && blockMode === this.#boot?.blockMode;
    if (policy === undefined || (isMadeOf && macs.join() === this.#boot?.macs.join())) return;
    await othersTurn();
    // Another start forges by another address: what changes every time is not written to a disk.
    const boot = compileRuleset(policy, { blockMode, unverified: true, canary: [], boxMacs: macs });
    this.#parts.record.setBootRuleset(boot, blockMode);
    this.#boot = state;
  }

  /** The box's own addresses come and go with its ports and its lease: true when they are others. */
  #lookAtBox(now: number): boolean {
    const { policy, macs, addresses } = this.#meant;
    if (policy === undefined || now < this.#boxLookedAt + BOX_LOOK_MS) return false;
    this.#boxLookedAt = now;
    const own = this.#ownAddresses(policy);
    if ([...own.macs, ...own.addresses].join() === [...macs, ...addresses].join()) return false;
    this.#mean({ ...this.#meant, ...own });
    return true;
  }

  /** Those of IPv4 cannot be looked at without a handle left for it: then what was known stays. */
  #ownAddresses({ bridge: { name } }: Policy): Pick<BoxState, 'macs' | 'addresses'> {
    const macs = this.#bridge?.macs() ?? this.#meant.macs;
    try {
      const held = networkInterfaces()[name] ?? [];
      return {
        macs,
        addresses: held.flatMap(({ family, address }) => (family === 'IPv4' ? [address] : [])).sort(),
      };
    } catch {
      return { macs, addresses: this.#meant.addresses };
    }
  }
}
