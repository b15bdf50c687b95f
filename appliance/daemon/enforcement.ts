// Knows: what the kernel is to enforce right now: policy, block mode, what was learned, open passes; and how it gets there.
// Must not know: incidents, states, HTTP. The boot ruleset and block mode are on disk before anyone is told that they hold.

import { networkInterfaces } from 'node:os';
import type { Exposure } from '../../src/guard/answers/correlation.ts';
import { Learner } from '../../src/guard/answers/learner.ts';
import type { Leads } from '../../src/guard/answers/first-packets.ts';
import type { LetGo, RefusedAnswer, UsedServer, Withdrawal } from '../../src/guard/answers/learner.ts';
import type { TapReport } from '../../src/guard/observation.ts';
import type { AnsweredAddress } from '../../src/policy/filter/answered.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import { compileClosedRuleset, compileRuleset, dropsLeaks } from '../../src/policy/compile/nft.ts';
import { exposedElement } from '../../src/policy/compile/nft-sets.ts';
import type { RulesetState } from '../../src/policy/compile/nft.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Bridge } from '../bridge/bridge.ts';
import { monotonicMs } from '../os/clock.ts';
import type { Firewall } from '../bridge/firewall.ts';
import { othersTurn } from '../os/others-turn.ts';
import type { BoxRecord } from './state/box-record.ts';
import { Given } from './routes/given.ts';
import { readSession, writeSession } from './state/session-file.ts';
import type { OpenPass } from './state/session-file.ts';

/** Addresses that the rules watch at once (rule D). */
const EXPOSED_MOST = 1_000;
/** A repeated answer prolongs the watch only when it adds this much, milliseconds: an apply costs more. */
const EXPOSURE_SLACK_MS = 30_000;

/** Between two looks at the box's own addresses, milliseconds. */
const BOX_LOOK_MS = 500;

export interface EnforcementParts {
  readonly firewall: Firewall;
  readonly record: BoxRecord;
  readonly runtimeDir: string;
  /** Senders of the box's own forged leaks. */
  readonly canary: readonly string[];
  /** What answers have opened (src/policy/filter/answered.ts). */
  readonly answered: () => readonly AnsweredAddress[];
}

export class Enforcement {
  readonly #parts: EnforcementParts;
  readonly #learner = new Learner();
  #tried: readonly string[] = [];
  readonly #given = new Given();
  #policy: Policy | undefined;
  #bridge: Bridge | undefined;
  #blockMode: boolean;
  #verified = false;
  /** What the kernel was given last drops leaks. */
  #dropping = false;
  #passes: readonly OpenPass[] = [];
  /** By client and address, the one that lasts longest. */
  #exposed: readonly Exposure[] = [];
  #passOpenedAt = 0;
  /** IPv4 addresses that the bridge had when it was looked at. */
  #boxAddresses: readonly string[] = [];
  #boxLookedAt = -Infinity;
  #switching: Promise<unknown> = Promise.resolve();
  /** Something was learned that the session's record does not say yet. */
  #unrecorded = false;

  constructor(parts: EnforcementParts) {
    this.#parts = parts;
    this.#blockMode = parts.record.blockMode;
  }

  /** What the kernel was found to do before anything was given to it: the last place that tells of block mode. */
  recall(kernelBlocks: boolean): void {
    this.#parts.record.settleUnknown(kernelBlocks);
    this.#blockMode = this.#parts.record.blockMode;
  }

  /** IPv6 addresses that clients tried while no daemon ran. Before the first policy. */
  recallTried(addresses: readonly string[]): void {
    this.#tried = addresses;
  }

  get policy(): Policy | undefined {
    return this.#policy;
  }

  get blockMode(): boolean {
    return this.#blockMode;
  }

  /** The latest end of an open pass, monotonic milliseconds. */
  get passUntil(): number | undefined {
    const now = monotonicMs();
    const open = this.#passes.filter((pass) => pass.until > now);
    return open.length === 0 ? undefined : Math.max(...open.map((pass) => pass.until));
  }

  /** When the newest pass was opened, monotonic milliseconds; 0 for one from before this process. */
  get passOpenedAt(): number {
    return this.#passOpenedAt;
  }

  learned(): LearnedState {
    const now = monotonicMs();
    const passes = this.#passes.flatMap(({ until, ...pass }) => {
      // The kernel takes whole seconds: rounded down, a pass of ten would be open for nine.
      const seconds = Math.round((until - now) / 1_000);
      return seconds > 0 ? [{ ...pass, seconds }] : [];
    });
    const exposed = this.#exposed.flatMap(({ until, ...served }) => {
      const seconds = Math.floor((until - now) / 1_000);
      return seconds > 0 ? [{ ...served, seconds }] : [];
    });
    return { ...NOTHING_LEARNED, ...this.#learner.state(now), exposed, passes, box: this.#boxAddresses };
  }

  /** No valid policy: nothing crosses any bridge. */
  async close(): Promise<void> {
    await this.#parts.firewall.apply(() => compileClosedRuleset());
  }

  /** Puts a policy in force; resolves with the monotonic time at which the kernel had it. */
  async adopt(policy: Policy, bridge: Bridge, used: readonly UsedServer[] = []): Promise<number> {
    const before = this.#policy;
    const first = before === undefined;
    // What one profile has to watch, another lets go direct.
    if (policy.profile !== this.#policy?.profile) this.#exposed = [];
    this.#policy = policy;
    this.#bridge = bridge;
    this.#boxAddresses = addressesOf(policy.bridge.name) ?? this.#boxAddresses;
    this.#learner.setPolicy(policy);
    const session = first ? readSession(this.#parts.runtimeDir) : undefined;
    if (session !== undefined) {
      this.#learner.restore(session.learner);
      this.#passes = session.passes;
      this.#exposed = session.exposed;
    }
    if (first) this.#learner.recall(used, monotonicMs());
    if (first) this.#learner.recallTried(this.#tried, monotonicMs());
    try {
      return await this.apply();
    } catch (error) {
      // A policy that was refused must not come into force with the next thing that is learned.
      if (before !== undefined) {
        this.#policy = before;
        this.#learner.setPolicy(before);
      }
      throw error;
    }
  }

  /** Compiles and applies; rejects when the kernel refused, and what was in force then stays. */
  async apply(): Promise<number> {
    if (this.#policy === undefined) throw new Error('no policy is in force');
    if (this.#unrecorded) this.#remember();
    const [policy, mode] = [this.#policy, this.#mode()];
    const appliedAt = await this.#parts.firewall.apply(() => {
      const learned = { ...this.learned(), answered: this.#parts.answered() };
      this.#given.give(learned, monotonicMs());
      return this.#compile(policy, learned, mode);
    });
    this.#dropping = dropsLeaks(policy, mode);
    await othersTurn();
    this.#writeBootRuleset(policy);
    return appliedAt;
  }

  /** Says whether the taps read what crosses; until they do, `relock: closed` holds the wire closed. */
  async setVerified(verified: boolean): Promise<number | undefined> {
    if (verified === this.#verified || this.#policy === undefined) return undefined;
    this.#verified = verified;
    return this.apply();
  }

  /**
   * Whether the kernel drops leaks now, for whatever reason, and is to go on: what crosses while it is being closed or
   * opened breaks no rule.
   */
  get drops(): boolean {
    return this.#dropping && this.#policy !== undefined && dropsLeaks(this.#policy, this.#mode());
  }

  /** Resolves when the kernel has it and the disk was told; rejects with everything as it was. The last call decides. */
  async setBlockMode(on: boolean): Promise<number> {
    const turn = this.#switching.then(() => this.#switch(on));
    this.#switching = turn.catch(() => undefined);
    return turn;
  }

  /** One after another: the end of an opening must not write its record over that of the closing that came after it. */
  async #switch(on: boolean): Promise<number> {
    const before = this.#blockMode;
    this.#blockMode = on;
    try {
      // The record closes first and opens last: a crash in between finds the one that lets less through.
      if (on) this.#parts.record.setBlockMode(true);
      const appliedAt = await this.apply();
      if (!on) this.#parts.record.setBlockMode(false);
      return appliedAt;
    } catch (error) {
      this.#blockMode = before;
      if (!before) this.#parts.record.setBlockMode(false);
      throw error;
    }
  }

  async openPass(seconds: number, client: string | undefined): Promise<void> {
    const pass = { until: monotonicMs() + seconds * 1_000, ...(client === undefined ? {} : { client }) };
    this.#passOpenedAt = monotonicMs();
    this.#passes = [...this.#passes.filter((other) => other.client !== client), pass];
    try {
      await this.apply();
    } catch (error) {
      this.#passes = this.#passes.filter((other) => other !== pass);
      throw error;
    }
    this.#remember();
  }

  async endPass(): Promise<void> {
    this.#passes = [];
    // The record closes first: a crash in between must not find a pass to open again.
    this.#remember();
    await this.apply();
  }

  /** The tunnel is up: nothing needs a pass any more. */
  async endPassEarly(): Promise<void> {
    if (this.passUntil !== undefined) await this.endPass();
  }

  /** Learns from a tap's report; true when the caller has to apply. */
  observe(report: TapReport): boolean {
    const now = monotonicMs();
    const changed = this.#learner.observe(
      report,
      now,
      this.#passes.some(({ until }) => until > now),
    );
    this.#unrecorded ||= changed;
    return this.#lookAtBox(now) || changed;
  }

  /** What answers have led to, as they were believed. */
  get leads(): Leads {
    return this.#learner;
  }

  /** Addresses that were learned and are closed again since this was asked last. */
  takeWithdrawn(): readonly Withdrawal[] {
    return this.#learner.takeWithdrawn();
  }

  /** Answers for tunnels' names that opened nothing since this was asked last. */
  takeRefused(): readonly RefusedAnswer[] {
    return this.#learner.takeRefused();
  }

  /** Addresses that tunnels had used and that are closed since this was asked last. */
  takeLetGo(): readonly LetGo[] {
    return this.#learner.takeLetGo();
  }

  /** Prefixes of NAT64 that an answer on the wire alone vouches for. */
  get unprovenPrefixes(): readonly string[] {
    return this.#learner.unprovenPrefixes(monotonicMs());
  }

  /** Addresses that tunnels use: kept on disk, for a client that sleeps while the box restarts. */
  get usedServers(): readonly UsedServer[] {
    return this.#learner.used(monotonicMs());
  }

  /** The box's own address comes and goes with its lease: true when it is another one. */
  #lookAtBox(now: number): boolean {
    if (now < this.#boxLookedAt + BOX_LOOK_MS) return false;
    this.#boxLookedAt = now;
    const found = addressesOf(this.#policy?.bridge.name ?? '');
    if (found === undefined || found.join() === this.#boxAddresses.join()) return false;
    this.#boxAddresses = found;
    return true;
  }

  /**
   * Has the rules watch addresses that were answered, or shown a protected name, in the clear; resolves to true when the kernel was
   * given more of them, so that the taps have to be told. At most so many as a ruleset can hold without growing slow: the newest.
   */
  async expose(news: readonly Exposure[]): Promise<boolean> {
    if (news.length === 0) return false;
    const now = monotonicMs();
    const key = ({ client = '', address }: Exposure): string => `${client} ${address}`;
    const known = new Map(this.#exposed.filter(({ until }) => until > now).map((one) => [key(one), one]));
    const more = news.filter((one) => {
      const before = known.get(key(one));
      if (before !== undefined && before.until > one.until - EXPOSURE_SLACK_MS) return false;
      known.delete(key(one));
      known.set(key(one), one);
      return true;
    });
    if (more.length === 0) return false;
    this.#exposed = [...known.values()].slice(-EXPOSED_MOST);
    this.#remember();
    // Elements alone: a whole ruleset takes longer than the next packets to where a protected name was shown.
    await this.#parts.firewall.change(
      more.map(({ until, ...served }) => exposedElement({ ...served, seconds: (until - now) / 1_000 })),
    );
    return true;
  }

  /** The privacy in force shows no more of the names of these addresses than `show` leaves: taps and record hold nothing else. */
  hide(show: (name: string) => string): void {
    const shown = this.#exposed.map((exposure) => ({ ...exposure, name: show(exposure.name) }));
    if (shown.every(({ name }, at) => name === this.#exposed[at]?.name)) return;
    this.#exposed = shown;
    this.#remember();
  }

  /** Tunnels in use by these host names keep their learned addresses; true when the caller has to apply. */
  keepAlive(names: ReadonlySet<string>): boolean {
    const now = monotonicMs();
    const prolonged = names.size > 0 && this.#learner.keepAlive(names, now);
    this.#unrecorded ||= prolonged;
    return prolonged || this.#given.isStale(this.learned(), now);
  }

  /** As it is to be, whatever the kernel has by now. */
  #mode(): Pick<RulesetState, 'blockMode' | 'unverified'> {
    return { blockMode: this.#blockMode, unverified: !this.#verified };
  }

  #compile(
    policy: Policy,
    learned: LearnedState,
    mode: Pick<RulesetState, 'blockMode' | 'unverified' | 'canary'>,
  ): string {
    return compileRuleset(policy, {
      canary: this.#parts.canary,
      ...mode,
      learned,
      boxMacs: this.#bridge?.macs() ?? [],
    });
  }

  /** Writes down what outlives this process, when the place for it was removed. */
  keep(): void {
    if (this.#policy !== undefined) this.#remember();
  }

  /** What cannot be written down holds all the same: closing must not depend on a disk. It is tried again. */
  #remember(): void {
    const record = { learner: this.#learner.record(), passes: this.#passes, exposed: this.#exposed };
    try {
      writeSession(this.#parts.runtimeDir, record);
      this.#unrecorded = false;
    } catch {
      // Without it the next process learns anew, and is more closed until it has.
      this.#unrecorded = true;
    }
  }

  /** What a boot loads before any program of ours runs: no pass, nothing learned. Written only when it changes. */
  #writeBootRuleset(policy: Policy): void {
    // Another start forges by another address: what changes every time is not written to a disk.
    const mode = { blockMode: this.#blockMode, unverified: true, canary: [] };
    this.#parts.record.setBootRuleset(this.#compile(policy, NOTHING_LEARNED, mode), this.#blockMode);
  }
}

/** Undefined when they cannot be looked at: without a handle left for it, what was known stays. */
function addressesOf(name: string): readonly string[] | undefined {
  try {
    const held = networkInterfaces()[name] ?? [];
    return held.flatMap(({ family, address }) => (family === 'IPv4' ? [address] : [])).sort();
  } catch {
    return undefined;
  }
}
