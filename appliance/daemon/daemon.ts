// The composition root: creates the parts of the box, connects them and starts them in order. The ruleset is loaded before any port
// forwards.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Resolutions } from '../../src/guard/answers/first-packets.ts';
import type { UsedServer } from '../../src/guard/answers/learner.ts';
import { Guard } from '../../src/guard/guard.ts';
import type { TapReport } from '../../src/guard/observation.ts';
import { shownTime } from '../../src/guard/history/privacy.ts';
import type { Fault } from '../../src/policy/fault.ts';
import type { Status } from '../../src/api/status.ts';
import {
  ANSWERED_SETS,
  IN_USE_SETS,
  answeredElement,
  needsAnswer,
} from '../../src/policy/filter/answered.ts';
import type { AnsweredAddress } from '../../src/policy/filter/answered.ts';
import { TRIED_SET } from '../../src/policy/filter/recent-peers.ts';
import { PRECOMPUTED } from '../../src/policy/compile/made-once.ts';
import { FAMILY, TABLE } from '../../src/policy/compile/nft-model.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { ParsedPolicy } from '../../src/policy/schema/schema.ts';
import { macText } from '../../src/wire/ip/address.ts';
import type { RelayList } from '../../src/wire/vpn/tor.ts';
import type { Bridge } from '../bridge/bridge.ts';
import { CanaryLinks } from '../bridge/canary-links.ts';
import { newCanaryKey, sealOf } from '../bridge/canary-seal.ts';
import { monotonicMs, now } from '../os/clock.ts';
import { writeDurable } from '../os/durable-file.ts';
import { LockError } from '../os/exclusive-lock.ts';
import { Firewall } from '../bridge/firewall.ts';
import { HealthProbe } from '../os/health.ts';
import { ParsingLanes } from '../jobs/parsing-lanes.ts';
import { ledFault } from '../led/file-led.ts';
import { BEAT_MS } from '../led/beat.ts';
import { dropsLeaksIn, listAddresses, listCounters, listPairs, listTable } from '../bridge/nftables.ts';
import { yieldToEventLoop } from '../os/event-loop.ts';
import { relaysIn } from '../registries/relays.ts';
import { RunError } from '../os/run-command.ts';
import { TapPair } from '../tap/pair.ts';
import type { TapState } from '../tap/supervisor.ts';
import type { UndoRecord } from '../os/undo-record.ts';
import { VERSION } from '../os/version.ts';
import { AnswerDesk } from './answer-desk.ts';
import { ApiError, ApiServer } from './routes/api-server.ts';
import { BoxLed } from './box-led.ts';
import { BoxRecord } from './state/box-record.ts';
import { everyRoute } from './routes/box-routes.ts';
import { BridgeSupervisor } from './bridge-supervisor.ts';
import { BoxHistory } from './state/box-history.ts';
import { closedPolicy } from './state/closed-policy.ts';
import { goesOn, readCounterFile, writeCounterFile } from './state/counter-file.ts';
import { BlockModeOff, Enforcement } from './enforcement.ts';
import type { DaemonOptions } from './options.ts';
import { Places } from './places.ts';
import { undoRecordIn } from './release.ts';
import { readPolicyFile } from '../policy/policy-file.ts';
import { PolicyTexts } from './state/policy-texts.ts';
import { Publisher } from './publisher.ts';
import { PeriodicTasks } from './rounds.ts';
import type { ApiSubject } from './routes/routes.ts';
import { KnownServersFile } from './state/known-servers.ts';
import type { Servers } from './state/known-servers.ts';
import {
  Warnings,
  answersHeldText,
  closedEarlyText,
  rulesRestoredText,
  putBackText,
  refusedText,
  letGoText,
  prefixText,
  roundFailedText,
  withdrawnText,
  errorText,
} from './warnings.ts';

const TICK_MS = 100;
const VERIFY_MS = 700;
/**
 * A forged leak waits until the taps have read past the last reading of the counters, so that it falls into one reading only; but no longer
 * than this, in case a tap is dead.
 */
const PROOF_WAIT_MS = 300;
const WHOLE_MS = 500;

/** Sets of addresses opened by DNS answers: those that the daemon fills, and those that the kernel fills (addresses in use). */
const OPENED_BY_ANSWERS = ANSWERED_SETS.filter(({ learned }) => learned === undefined).map(
  ({ name }) => name,
);
const IN_USE = IN_USE_SETS.map(({ name }) => name);

async function listPairsIn(sets: readonly string[]): Promise<readonly AnsweredAddress[]> {
  return (await Promise.all(sets.map((set) => listPairs(FAMILY, TABLE, set)))).flat();
}

/** Warnings about something that is over: shown until everything is acknowledged. */
const PAST_EVENTS = [
  'foreign-change',
  'bridge-mended',
  'put-back',
  'history-changed',
  'withdrawn',
  'let-go',
  'refused',
];

/**
 * The whole box. Commands (`setBlockMode`, `openPass`, `endPass`) reject with ApiError 409 without a valid policy, and 503, with everything
 * as before, when the kernel refuses.
 */
export class Daemon implements ApiSubject {
  readonly #options: DaemonOptions;
  readonly #log: Logger;
  /** Ends the process, because another daemon has taken over. */
  readonly #end: (reason: string) => void;
  readonly #api: ApiServer;
  readonly #publisher: Publisher;
  readonly #firewall: Firewall;
  readonly #enforcement: Enforcement;
  readonly #answers: AnswerDesk;
  readonly #record: BoxRecord;
  readonly #servers: KnownServersFile;
  readonly #rounds: PeriodicTasks;
  readonly #places: Places;
  readonly #undo: UndoRecord;
  readonly #warnings: Warnings;
  readonly #led: BoxLed;
  readonly #taps: TapPair;
  readonly #boxHistory: BoxHistory;
  readonly #parsing = new ParsingLanes();
  readonly #texts = new PolicyTexts(this.#parsing);
  /** Work for the next round: `lesson`: something was learned and must be applied; `breach`: the rules must be applied again. */
  readonly #due = new Set<'lesson' | 'breach'>();
  #guard: Guard;
  #bridge: BridgeSupervisor | undefined;
  readonly #canary = newCanaryKey();
  #links: CanaryLinks | undefined;
  /** Until when a forged leak must follow the last reading, monotonic milliseconds; Infinity when none is due. */
  #proofDue = Infinity;

  /** Handle of the nftables table that was read last. */
  #table: number | undefined;
  /** IPv6 addresses that clients tried while no daemon ran. */
  #tried: readonly string[] = [];

  /** `end` ends the process with a reason for the log. Throws LockError when another daemon has one of the directories, and file system errors. */
  constructor(options: DaemonOptions, log: Logger, end: (reason: string) => void) {
    this.#end = end;
    this.#places = new Places(options.stateDir, options.runtimeDir);
    this.#options = options;
    this.#log = log;
    this.#warnings = new Warnings(log);
    this.#rounds = new PeriodicTasks((round, error) => {
      this.#guard.doubt(round, error === undefined ? [] : [`a periodic task fails (${errorText(error)})`]);
      this.#warnings.put(round, error === undefined ? undefined : roundFailedText(round, error));
    });
    const { stateDir, runtimeDir } = options;
    this.#undo = undoRecordIn(runtimeDir);
    this.#boxHistory = new BoxHistory({ stateDir, runtimeDir, warnings: this.#warnings });
    this.#guard = this.#newGuard(closedPolicy());
    this.#led = new BoxLed({
      warnings: this.#warnings,
      runtimeDir,
      box: this,
      isStartedElsewhere: options.isWatchdogStarted,
      gone: (reason) => {
        this.#guard.doubt('light', reason === undefined ? [] : [reason]);
        this.#publisher.news();
      },
    });
    const health = new HealthProbe(() => (this.policy() ?? closedPolicy()).bridge, stateDir);
    this.#api = new ApiServer(
      everyRoute({
        box: this,
        history: this.#boxHistory,
        guard: () => this.#guard,
        configPath: options.config,
        health,
        lamp: this.#led.test,
        texts: this.#texts,
        stateDir,
        version: VERSION,
        setClockRequest: options.setClockRequest,
      }),
      () => ({ event: 'status', data: this.status() }),
      (error) => log.error({ error: String(error) }, 'a request failed'),
    );
    this.#publisher = new Publisher(
      () => this.status(),
      (event) => {
        if (event.event === 'status') {
          this.#led.show(event.data.lamp);
          this.#boxHistory.status(event.data);
        }
        this.#api.publish(event);
      },
      (incident) => this.#guard.view(incident),
    );
    this.#taps = new TapPair(
      {
        report: this.#report.bind(this),
        state: (port, state, detail) => void this.#tapState(port, state, detail),
        answered: () => this.#answers.table,
      },
      this.#canary,
      this.#relays(options.relays),
    );
    this.#firewall = new Firewall({
      state: (state) => this.#guard.firewall(state),
      changing: () => this.#guard.change(this.#taps.orders),
      reading: (begun, ended, counters) => {
        this.#guard.reading(begun, ended, counters.values);
        // Another program had deleted the table: the recorded counts of the old one must not be continued.
        if (this.#table !== undefined && this.#table !== counters.handle) this.#boxHistory.countAnew();
        this.#table = counters.handle;
        const keep = (): void => writeCounterFile(options.runtimeDir, counters);
        this.#warnings.attempt('counter-file', 'The counters cannot be saved', keep);
        this.#proofDue = monotonicMs() + PROOF_WAIT_MS;
      },
      mended: (found) => this.#warnings.set('foreign-change', rulesRestoredText(found)),
    });
    const fault = this.#warnings.put.bind(this.#warnings, 'disk');
    this.#record = new BoxRecord({
      stateDir,
      runtimeDir,
      fault,
      putBack: (path) => this.#putBack([path]),
    });
    this.#servers = new KnownServersFile(stateDir, (text) => this.#warnings.put('known-servers', text));
    this.#enforcement = new Enforcement({
      firewall: this.#firewall,
      record: this.#record,
      runtimeDir,
      canary: [macText(this.#canary.mac)],
      answered: () => this.#answers.table,
      changed: this.#changed.bind(this),
    });
    this.#answers = new AnswerDesk({
      now: monotonicMs,
      tell: (opened, gone) => this.#tellAnswered(opened, gone),
      give: (opened, gone) => this.#firewall.change(opened.map(answeredElement), gone.map(answeredElement)),
      holds: () => this.#enforcement.drops,
      handOn: (frame) => this.#taps.handOn(frame),
      failed: (error) =>
        this.#warnings.put('answers', error === undefined ? undefined : answersHeldText(error)),
    });
    this.#warnings.put('state-file', this.#record.warning);
  }

  /** Resolves when the rules are loaded and the API answers; missing ports are added later. Rejects when either is impossible. */
  async start(): Promise<void> {
    await this.#recallFromKernel();
    await this.#load();
    await this.#api.listen(join(this.#options.runtimeDir, 'api.sock'));
    this.#rounds.every('settling', TICK_MS, () => {
      const settled = this.#guard.tick();
      if (this.#guard.isPastReading || monotonicMs() >= this.#proofDue) this.#forgeLeak();
      this.#boxHistory.changed(settled);
      this.#publisher.news(settled);
    });
    this.#rounds.every('beat', BEAT_MS, () => {
      // A round that never ends is as bad as a hung event loop: the LED watchdog gets no beat, and the LED turns red.
      if (this.#rounds.stuck) return;
      // A beat confirms its pattern: after the event loop was blocked, the last pattern may be out of date, so it is computed again.
      this.#led.show(this.status().lamp);
      this.#led.beat();
    });
    this.#rounds.pacing('keeping whole', WHOLE_MS, () => this.#restore());
    this.#rounds.pacing('reading back', VERIFY_MS, () => this.#verify());
    this.#rounds.pacing('learning', TICK_MS, () => this.#applyLessons());
  }

  /** Reads the policy file again; an invalid one is refused as a whole and the one in force stays. Never rejects. */
  async reload(): Promise<void> {
    try {
      await this.#load();
    } catch (error) {
      this.#warnings.set('policy', `The policy could not be put in force: ${errorText(error)}.`);
    }
    this.#publisher.news();
  }

  /** Stops everything and restores nothing: the rules stay in the kernel. */
  stop(): void {
    this.#rounds.stop();
    this.#keepServers();
    this.#publisher.close();
    this.#taps.stop();
    this.#led.close();
    this.#api.close();
    this.#boxHistory.close();
    this.#parsing.close();
  }

  /** The status at this moment (src/guard/status.ts), with the warnings of all parts. */
  status(): Status {
    this.#guard.setWarnings(this.#warnings.list());
    const until = this.#enforcement.passUntil;
    this.#guard.setPass(until === undefined ? undefined : Date.now() + until - monotonicMs());
    return this.#guard.status();
  }

  /** The policy that is, or is about to be, in force; undefined while there is no valid one. */
  policy(): Policy | undefined {
    return this.#enforcement.policy;
  }

  /** Time stamp for log lines, wall clock milliseconds: with privacy `minimal`, and without a valid policy, only the hour. */
  get logTime(): number {
    return shownTime(this.policy()?.privacy ?? closedPolicy().privacy, Date.now());
  }

  /**
   * Puts a policy text in force, then writes it to the policy file; returns every fault when it is invalid, and nothing has changed.
   * `read`: the same text, when already parsed. Rejects with ApiError 503 when it could not be put in force or saved; the policy before it
   * then stays.
   */
  async setPolicy(text: string, read?: ParsedPolicy): Promise<Status | readonly Fault[]> {
    const parsed = read ?? (await this.#texts.run('policy', text));
    if (!parsed.ok) return parsed.faults;
    const fault = ledFault(parsed.policy.lamp, this.#options.runtimeDir);
    if (fault !== undefined) return [fault];
    const before = this.#enforcement.policy;
    try {
      // In force first, on disk second: a policy that the kernel refuses must not be there at the next boot.
      await this.#enforce(parsed.policy);
      writeDurable(this.#options.config, text, 0o644);
      this.#texts.note(text, parsed.policy);
    } catch (error) {
      if (before !== undefined) await this.#enforce(before).catch(() => undefined);
      throw new ApiError(
        503,
        'not-applied',
        `the policy was not put in force: ${errorText(error)}`,
        [],
        error,
      );
    }
    this.#warnings.clear('policy');
    this.#publisher.news();
    return this.status();
  }

  /** Resolves with the status when kernel and disk have it (Enforcement.setBlockMode). */
  async setBlockMode(on: boolean): Promise<Status> {
    await this.#command('block mode was not switched', () => this.#enforcement.setBlockMode(on));
    this.#warnings.clear('state-file');
    this.#log.info({ blockMode: on }, 'block mode switched');
    return this.status();
  }

  /** `client`: a MAC address, lower-case with colons; undefined: all clients. */
  async openPass(seconds: number, client: string | undefined): Promise<Status> {
    await this.#command('no pass was opened', () => this.#enforcement.openPass(seconds, client));
    this.#log.info({ seconds }, 'a pass was opened');
    return this.status();
  }

  /** Ends every open pass; resolves also when none is open. */
  async endPass(): Promise<Status> {
    await this.#command('the pass was not ended', () => this.#enforcement.endPass());
    return this.status();
  }

  /** `id`: an incident's, or `all`, which also clears the warnings about what is over. Undefined when there is no such incident. */
  acknowledge(id: string): Status | undefined {
    if (!this.#guard.acknowledge(id)) return undefined;
    this.#boxHistory.acknowledged(id);
    if (id === 'all') for (const topic of PAST_EVENTS) this.#warnings.clear(topic);
    this.#publisher.news();
    return this.status();
  }

  acknowledgeTunnel(name: string): Status | undefined {
    const ids = this.#guard.explained(name);
    for (const id of ids ?? []) if (this.#guard.acknowledge(id)) this.#boxHistory.acknowledged(id);
    if (ids === undefined) return undefined;
    this.#publisher.news();
    return this.status();
  }

  async #command(failure: string, task: () => Promise<void>): Promise<void> {
    if (this.#enforcement.policy === undefined) {
      throw new ApiError(409, 'no-policy', 'there is no valid policy, so the box stays closed');
    }
    try {
      await task();
    } catch (error) {
      if (error instanceof BlockModeOff) throw new ApiError(409, 'block-mode-off', error.message);
      throw new ApiError(503, 'not-applied', `${failure}: ${errorText(error)}`, [], error);
    }
    this.#publisher.news();
  }

  async #load(): Promise<void> {
    const read = await readPolicyFile(this.#options.config, (text) => this.#texts.policy(text));
    if (read.ok) {
      this.#texts.note(read.text, read.policy);
      this.#warnings.clear('policy');
      await this.#enforce(read.policy);
      return;
    }
    for (const fault of read.faults) this.#log.error({ fault }, 'the policy is invalid');
    const closed = this.#enforcement.policy === undefined;
    const stays = closed ? 'the box stays closed' : 'the last valid one stays in force';
    this.#warnings.set('policy', `The policy file is invalid and ${stays}: ${read.faults.join('; ')}`);
    if (closed) await this.#enforcement.apply();
  }

  /**
   * Continues counting from what an earlier process had accounted for; from zero when the table was created again meanwhile, because no
   * process has seen what it counted.
   */
  async #resumeCounting(): Promise<void> {
    const counters = await listCounters(FAMILY, TABLE);
    const last = readCounterFile(this.#options.runtimeDir);
    if (counters === undefined || (last !== undefined && !goesOn(last, counters))) {
      this.#boxHistory.countAnew();
      if (counters !== undefined)
        this.#guard.resume(new Map([...counters.values.keys()].map((name) => [name, 0])));
      return;
    }
    const accounted = this.#boxHistory.accounted();
    if (accounted !== undefined || last !== undefined)
      this.#guard.resume(new Map([...(last?.values ?? []), ...(accounted ?? [])]));
  }

  async #enforce(policy: Policy): Promise<void> {
    const first = this.#enforcement.policy === undefined;
    let servers: Servers | undefined;
    if (first) {
      this.#guard = this.#newGuard(policy);
      servers = this.#servers.read();
      this.#guard.observer.recallServers(servers.known);
      this.#boxHistory.begin(this.#guard, policy, this.#enforcement.blockMode);
      await this.#resumeCounting();
    }
    this.#led.open(policy.lamp);
    const supervisor = (this.#bridge ??= new BridgeSupervisor(policy.bridge, {
      undo: this.#undo,
      warnings: this.#warnings,
      faults: (faults) => {
        this.#guard.bridge(faults);
        this.#publisher.news();
      },
      unplugged: (ports) => this.#guard.unplugged(ports),
    }));
    const bridge = await supervisor.prepare(policy);
    for (const make of PRECOMPUTED) {
      make(policy);
      await yieldToEventLoop();
    }
    if (this.#enforcement.renames(policy)) this.#answers.forget();
    await this.#adopt(policy, bridge, servers?.used ?? []);
    await yieldToEventLoop();
    if (!first) {
      // Only after the kernel has accepted it: nothing may be judged by a policy that was refused.
      this.#guard.setPolicy(policy);
      this.#boxHistory.setPolicy(policy);
    }
    this.#enforcement.hide((name) => this.#boxHistory.shownName(name));
    await supervisor.raise();
    await yieldToEventLoop();
    this.#taps.order(policy, this.#enforcement.learned(), bridge.macs());
    this.#guard.ordered(this.#taps.orders);
    if (this.#links === undefined) await this.#raiseLinks(policy);
  }

  async #adopt(policy: Policy, bridge: Bridge, used: readonly UsedServer[]): Promise<void> {
    this.#guard.expectPolicy(policy, this.#enforcement.learned());
    try {
      await this.#enforcement.adopt(policy, bridge, used, this.#tried);
    } catch (error) {
      this.#guard.callOff();
      throw error;
    }
  }

  /** Creates the links through which forged leaks arrive; again after a port was gone, since the kernel removes them with it. */
  async #raiseLinks({ bridge }: Policy): Promise<void> {
    this.#links ??= new CanaryLinks(bridge, macText(this.#canary.mac), this.#undo);
    try {
      await this.#links.raise();
      this.#warnings.clear('canary');
    } catch (error) {
      this.#warnings.set('canary', `The box cannot test itself with forged leaks (${errorText(error)}).`);
    }
  }

  /** Sends a forged leak, if the rules were read back and correct: otherwise it could leave the box. */
  #forgeLeak(): void {
    if (this.#proofDue === Infinity) return;
    this.#proofDue = Infinity;
    const { canary } = this.#guard;
    const { policy } = this.#enforcement;
    if (canary === undefined || policy === undefined) return;
    if (this.#links === undefined || !this.#guard.verified) return;
    const allows = policy.profile !== 'full-tunnel' || policy.allow.length > 0;
    const forgery = canary.forge(monotonicMs(), allows || this.#enforcement.passUntil !== undefined);
    if (forgery === undefined) return;
    for (const port of ['lan', 'wan'] as const) this.#taps.forge(port, this.#links.of(port), forgery[port]);
  }

  #tellAnswered(
    opened: readonly AnsweredAddress[],
    gone: readonly AnsweredAddress[],
    only?: 'lan' | 'wan',
  ): void {
    this.#taps.answered(opened, gone, only);
    this.#guard.change(this.#taps.orders);
  }

  /** Reads opened addresses back from the kernel: those that came into use, and those that an earlier daemon opened. */
  async #recallAnswers(sets: readonly string[]): Promise<void> {
    const { policy } = this.#enforcement;
    if (policy !== undefined && !needsAnswer(policy)) return;
    this.#answers.restore(await listPairsIn(sets).catch(() => []));
  }

  /** Tells a restarted tap of the addresses that have come into use since its orders were made. */
  async #updateTap(port: 'lan' | 'wan'): Promise<void> {
    const { policy } = this.#enforcement;
    if (policy === undefined || !needsAnswer(policy)) return;
    await this.#recallAnswers(IN_USE);
    this.#tellAnswered(this.#answers.table, [], port);
  }

  #report(report: TapReport): void {
    // Learning comes first: the report may hold both an answer and the tunnel's first packet to the address in that answer.
    if (this.#enforcement.observe(report)) this.#due.add('lesson');
    const news = this.#guard.report(report);
    this.#boxHistory.report(report, news);
    this.#publisher.news(news);
    this.#answers.take(report.lessons ?? []);
    void this.#expose();
    const { learner } = this.#enforcement;
    const withdrawn = learner.takeWithdrawn();
    if (withdrawn.length > 0) this.#warnings.set('withdrawn', withdrawnText(withdrawn));
    const letGo = learner.takeClosed();
    if (letGo.length > 0) this.#warnings.set('let-go', letGoText(letGo));
    const refused = learner.takeRefused();
    if (refused.length > 0) this.#warnings.set('refused', refusedText(refused));
    if (news.some(({ breach }) => breach)) this.#due.add('breach');
  }

  /** Not in a round but at once: an address at which a protected name was shown is closed before more is sent there. */
  async #expose(): Promise<void> {
    try {
      await this.#enforcement.expose(this.#guard.observer.takeExposures());
    } catch (error) {
      this.#due.add('lesson');
      this.#warnings.set('learned', `Learned addresses could not be put in force: ${errorText(error)}.`);
    }
  }

  /** In a round, so at a bounded rate: the network can send news at any rate, and each change is a new ruleset. */
  async #applyLessons(): Promise<void> {
    if (!this.#due.delete('lesson')) return;
    this.#changed(monotonicMs());
    try {
      await this.#enforcement.apply();
      this.#warnings.clear('learned');
    } catch (error) {
      this.#warnings.set('learned', `Learned addresses could not be put in force: ${errorText(error)}.`);
    }
  }

  async #tapState(port: 'lan' | 'wan', state: TapState, detail: string): Promise<void> {
    this.#guard.tap(port, state, detail);
    this.#log.info({ port, state, detail }, 'tap');
    void (state === 'up' ? this.#updateTap(port) : this.#recallAnswers(IN_USE));
    try {
      await this.#enforcement.setWatched(this.#taps.allUp);
    } catch (error) {
      this.#warnings.set(
        'relock',
        `The rules could not be opened or closed for "relock": ${errorText(error)}.`,
      );
    }
  }

  /** The only place that tells guard and taps about changes of the box's state, which the kernel has or is about to get. */
  #changed(at: number): void {
    const { policy, blockMode, drops } = this.#enforcement;
    this.#guard.setBlockMode(blockMode, drops, at);
    const learned = this.#enforcement.learned();
    if (this.#taps.learn(policy, learned)) this.#guard.learned(learned, this.#taps.orders);
  }

  async #verify(): Promise<void> {
    const { policy } = this.#enforcement;
    if (policy !== undefined && this.#guard.canary?.isLost(monotonicMs()) === true)
      await this.#raiseLinks(policy);
    await this.#firewall.verify(this.#due.delete('breach'));
    this.#changed(monotonicMs());
    this.#taps.use(this.#guard.tunnelEndpointsInUse());
    await this.#bridge?.ensureFixedAddress();
    this.#record.settle();
    this.#keepServers();
    const { closedEarly, notGiven } = this.#answers;
    this.#warnings.put(
      'answers-lost',
      closedEarly + notGiven > 0 ? closedEarlyText(closedEarly, notGiven) : undefined,
    );
    this.#warnings.put('nat64', prefixText(this.#enforcement.learner.unprovenPrefixes(monotonicMs())));
    if (this.#enforcement.keepAlive(this.#guard.tunnelNamesInUse())) this.#due.add('lesson');
    // The tunnel is up, so the pass is not needed any more.
    const { passOpenedAt, passUntil } = this.#enforcement;
    if (passUntil !== undefined && this.#guard.tunnelCameUpSince(passOpenedAt))
      await this.#enforcement.endPass();
    this.#publisher.news();
  }

  #keepServers(): void {
    if (this.#enforcement.policy === undefined) return;
    const known = this.#guard.observer.knownServers;
    this.#servers.keep({ known, used: this.#enforcement.learner.used(monotonicMs()) });
  }

  /** The list of Tor relays; empty where there is no list, or, with a warning, where it cannot be read. */
  #relays(path: string | undefined): RelayList {
    if (path === undefined || !existsSync(path)) return new Set();
    try {
      return relaysIn(path);
    } catch (error) {
      this.#warnings.set(
        'relays',
        `Tor is recognized by its traffic alone, without a list of relays: ${errorText(error)}.`,
      );
      return new Set();
    }
  }

  /**
   * Reads what only the kernel knows: addresses that clients tried while no daemon ran, and, where the disk does not say whether block mode
   * was on, whether the rules that are still loaded block.
   */
  async #recallFromKernel(): Promise<void> {
    this.#tried = await listAddresses(FAMILY, TABLE, TRIED_SET).catch(() => []);
    await this.#recallAnswers([...OPENED_BY_ANSWERS, ...IN_USE]);
    if (!this.#record.isUnknown) return;
    let blocks = true;
    try {
      blocks = dropsLeaksIn(await listTable(FAMILY, TABLE));
    } catch (error) {
      // nft fails when there is no such table: a new box. Any other error tells nothing, so the box closes.
      if (error instanceof RunError && error.code === 'failed') blocks = false;
    }
    this.#enforcement.recall(blocks);
    this.#warnings.put('state-file', this.#record.warning);
  }

  /** Restores bridge, directories and socket when another program removed or changed them, and reports it. */
  async #restore(): Promise<void> {
    await this.#bridge?.mend();
    const restored = this.#restorePlaces();
    if (restored.length > 0) {
      this.#undo.keep();
      this.#enforcement.keep();
      this.#led.keep();
    }
    const socket = (await this.#api.keep()) ? [join(this.#options.runtimeDir, 'api.sock')] : [];
    this.#putBack([...restored, ...this.#boxHistory.keep(), ...socket]);
  }

  /** Ends this process when another daemon locked the directories while they were gone. */
  #restorePlaces(): readonly string[] {
    try {
      return this.#places.keep();
    } catch (error) {
      if (error instanceof LockError) this.#end(error.message);
      throw error;
    }
  }

  #putBack(paths: readonly string[]): void {
    if (paths.length > 0) this.#warnings.set('put-back', putBackText(paths));
  }

  #newGuard(policy: Policy): Guard {
    // Random, not from the clock: a clock that is set back must not produce an id twice.
    const canary = {
      chance: randomBytes,
      mac: this.#canary.mac,
      seal: (serial: number) => sealOf(this.#canary, serial),
    };
    const leads: Resolutions = {
      led: (...lead) => this.#enforcement.learner.wasResolved(...lead),
      asked: (...question) => this.#enforcement.learner.asked(...question),
      isLedBetween: (...lead) => this.#enforcement.learner.wasLearnedBetween(...lead),
    };
    return new Guard(policy, {
      now,
      version: VERSION,
      idPrefix: randomBytes(6).toString('hex'),
      canary,
      leads,
    });
  }
}
