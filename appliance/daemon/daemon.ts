// Knows: how the parts of the box are put together and in which order they start: the composition root.
// Must not know: what frames, rules or states mean. DESIGN section 2: the ruleset stands before any port forwards.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Guard } from '../../src/guard/guard.ts';
import type { TapReport } from '../../src/guard/observation.ts';
import type { Fault, Status } from '../../src/guard/status.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { monotonicMs, now } from '../clock.ts';
import { writeDurable } from '../durable-file.ts';
import { Firewall } from '../firewall.ts';
import { HealthProbe } from '../health.ts';
import { ParsingLanes } from '../jobs/parsing-lanes.ts';
import { lampFault } from '../lamp/file-lamp.ts';
import { TapPair } from '../tap/pair.ts';
import type { TapState } from '../tap/supervisor.ts';
import { VERSION } from '../version.ts';
import { ApiError, ApiServer } from './api-server.ts';
import { BoxLamp } from './box-lamp.ts';
import { BoxRecord } from './box-record.ts';
import { everyRoute } from './box-routes.ts';
import { BridgeKeeper } from './bridge-keeper.ts';
import { Chronicle } from './chronicle.ts';
import { closedPolicy } from './closed-policy.ts';
import { readCounterFile, writeCounterFile } from './counter-file.ts';
import { Enforcement } from './enforcement.ts';
import type { DaemonOptions } from './options.ts';
import { undoRecordIn } from './release.ts';
import { readPolicyFile } from './policy-file.ts';
import { PolicyTexts } from './policy-texts.ts';
import { Publisher } from './publisher.ts';
import { Rounds } from './rounds.ts';
import type { ApiSubject } from './routes.ts';
import { Warnings, mendedWords, words } from './warnings.ts';

const TICK_MS = 100;
const VERIFY_MS = 700;

export class Daemon implements ApiSubject {
  readonly #options: DaemonOptions;
  readonly #log: Logger;
  readonly #api: ApiServer;
  readonly #publisher: Publisher;
  readonly #firewall: Firewall;
  readonly #enforcement: Enforcement;
  readonly #record: BoxRecord;
  readonly #rounds = new Rounds();
  readonly #warnings: Warnings;
  readonly #lamp: BoxLamp;
  readonly #taps: TapPair;
  readonly #chronicle: Chronicle;
  readonly #parsing = new ParsingLanes();
  readonly #texts = new PolicyTexts(this.#parsing);
  readonly #due = new Set<'lesson' | 'breach'>();
  #guard: Guard;
  #bridge: BridgeKeeper | undefined;

  constructor(options: DaemonOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#warnings = new Warnings(log);
    const { stateDir, runtimeDir } = options;
    this.#chronicle = new Chronicle({ stateDir, runtimeDir, warnings: this.#warnings });
    this.#guard = this.#newGuard(closedPolicy());
    this.#lamp = new BoxLamp(this.#warnings, runtimeDir, this);
    const health = new HealthProbe(() => (this.policy() ?? closedPolicy()).bridge, stateDir);
    this.#api = new ApiServer(
      everyRoute({
        ...{ box: this, history: this.#chronicle, guard: () => this.#guard, configPath: options.config },
        ...{
          health,
          lamp: this.#lamp.test,
          texts: this.#texts,
          stateDir,
          version: VERSION,
          clockWish: options.clockWish,
        },
      }),
      () => ({ event: 'status', data: this.status() }),
      (error) => log.error({ error: String(error) }, 'a request failed'),
    );
    this.#publisher = new Publisher(
      () => this.status(),
      (event) => {
        if (event.event === 'status') {
          this.#lamp.show(event.data.lamp);
          this.#chronicle.status(event.data);
        }
        this.#api.publish(event);
      },
    );
    this.#taps = new TapPair({
      report: this.#report.bind(this),
      state: (port, state, detail) => void this.#tapState(port, state, detail),
    });
    this.#firewall = new Firewall({
      state: (state) => this.#guard.firewall(state),
      changing: () => this.#guard.change(this.#taps.orders),
      reading: (begun, ended, values) => {
        this.#guard.reading(begun, ended, values);
        const keep = (): void => writeCounterFile(options.runtimeDir, values);
        this.#warnings.attempt('counter-file', 'The counters cannot be kept', keep);
      },
      mended: (found) => this.#warnings.set('foreign-change', mendedWords(found)),
    });
    const fault = this.#warnings.put.bind(this.#warnings, 'disk');
    this.#record = new BoxRecord({ stateDir, runtimeDir, fault });
    this.#enforcement = new Enforcement({ firewall: this.#firewall, record: this.#record, runtimeDir });
    this.#warnings.put('state-file', this.#record.warning);
  }

  /** Resolves when rules stand and the API answers; ports that are missing come in later. Rejects when it cannot. */
  async start(): Promise<void> {
    await this.#load();
    await this.#api.listen(join(this.#options.runtimeDir, 'api.sock'));
    this.#rounds.every(TICK_MS, () => {
      const settled = this.#guard.tick();
      this.#chronicle.changed(settled);
      this.#publisher.news(settled);
    });
    this.#rounds.pacing(VERIFY_MS, () => this.#look());
    this.#rounds.pacing(TICK_MS, () => this.#applyLessons());
  }

  /** Takes the policy file anew; an invalid one is refused whole and the one in force stays. */
  async reload(): Promise<void> {
    try {
      await this.#load();
    } catch (error) {
      this.#warnings.set('policy', `The policy could not be put in force: ${words(error)}.`);
    }
    this.#publisher.news();
  }

  stop(): void {
    this.#rounds.stop();
    this.#publisher.close();
    this.#taps.stop();
    this.#lamp.close();
    this.#api.close();
    this.#chronicle.close();
    this.#parsing.close();
  }

  status(): Status {
    this.#guard.setWarnings(this.#warnings.list());
    const until = this.#enforcement.passUntil;
    this.#guard.setPass(until === undefined ? undefined : Date.now() + until - monotonicMs());
    return this.#guard.status();
  }

  policy(): Policy | undefined {
    return this.#enforcement.policy;
  }

  async setPolicy(text: string): Promise<Status | readonly Fault[]> {
    const parsed = await this.#texts.run('policy', text);
    if (!parsed.ok) return parsed.faults;
    const fault = lampFault(parsed.policy.lamp, this.#options.runtimeDir);
    if (fault !== undefined) return [fault];
    const before = this.#enforcement.policy;
    try {
      // In force first, kept second: what the kernel refuses must not be found at the next boot.
      await this.#enforce(parsed.policy);
      writeDurable(this.#options.config, text, 0o644);
      this.#texts.note(text, parsed.policy);
    } catch (error) {
      if (before !== undefined) await this.#enforce(before).catch(() => undefined);
      throw new ApiError(503, 'not-applied', `the policy was not put in force: ${words(error)}`, [], error);
    }
    this.#warnings.clear('policy');
    this.#publisher.news();
    return this.status();
  }

  async setBlockMode(on: boolean): Promise<Status> {
    await this.#command('block mode was not switched', async () => {
      // What leaves while rules that let it are being read back is no breach.
      if (!on) this.#guard.setBlockMode(this.#enforcement.blockMode, false, monotonicMs());
      this.#applied(await this.#enforcement.setBlockMode(on));
      this.#warnings.clear('state-file');
    });
    this.#log.info({ blockMode: on }, 'block mode switched');
    return this.status();
  }

  async openPass(seconds: number, client: string | undefined): Promise<Status> {
    await this.#command('no pass was opened', () => this.#enforcement.openPass(seconds, client));
    this.#log.info({ seconds }, 'a pass was opened');
    return this.status();
  }

  async endPass(): Promise<Status> {
    await this.#command('the pass was not ended', () => this.#enforcement.endPass());
    return this.status();
  }

  acknowledge(id: string): Status | undefined {
    if (!this.#guard.acknowledge(id)) return undefined;
    this.#chronicle.acknowledged(id);
    if (id === 'all') this.#warnings.clear('foreign-change');
    this.#publisher.news();
    return this.status();
  }

  async #command(failure: string, task: () => Promise<void>): Promise<void> {
    if (this.#enforcement.policy === undefined) {
      throw new ApiError(409, 'no-policy', 'without a valid policy the box stays closed');
    }
    try {
      const done = task();
      this.#tellTaps();
      await done;
    } catch (error) {
      this.#applied(monotonicMs());
      throw new ApiError(503, 'not-applied', `${failure}: ${words(error)}`, [], error);
    }
    this.#tellTaps();
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
    if (closed) await this.#enforcement.close();
  }

  async #enforce(policy: Policy): Promise<void> {
    const first = this.#enforcement.policy === undefined;
    if (first) {
      this.#guard = this.#newGuard(policy);
      this.#chronicle.begin(this.#guard, policy, this.#enforcement.blockMode);
      const accounted = this.#chronicle.accounted();
      const last = readCounterFile(this.#options.runtimeDir);
      if (accounted !== undefined || last !== undefined)
        this.#guard.resume(new Map([...(last ?? []), ...(accounted ?? [])]));
    }
    this.#lamp.open(policy.lamp);
    const undo = undoRecordIn(this.#options.runtimeDir);
    const keeper = (this.#bridge ??= new BridgeKeeper(policy.bridge, undo, this.#warnings));
    const bridge = await keeper.prepare(policy);
    const appliedAt = await this.#enforcement.adopt(policy, bridge);
    if (!first) {
      // Not before the kernel has taken it: by what was refused nothing is judged.
      this.#guard.setPolicy(policy);
      this.#chronicle.setPolicy(policy);
    }
    this.#applied(appliedAt);
    await keeper.raise();
    this.#taps.order(policy, this.#enforcement.learned(), bridge.macs());
    this.#guard.change(this.#taps.orders);
  }

  #report(report: TapReport): void {
    const news = this.#guard.report(report);
    this.#chronicle.report(report, news);
    this.#publisher.news(news);
    if (this.#enforcement.observe(report)) this.#due.add('lesson');
    if (news.some(({ breach }) => breach)) this.#due.add('breach');
  }

  /** At a bounded rate: the network says new things as fast as it likes, and each change is a new ruleset. */
  async #applyLessons(): Promise<void> {
    const exposed = this.#enforcement.expose(this.#guard.observer.takeExposures());
    if (!this.#due.delete('lesson') && !exposed) return;
    this.#tellTaps();
    try {
      await this.#enforcement.apply();
      this.#warnings.clear('learned');
    } catch (error) {
      this.#warnings.set('learned', `What was learned could not be put in force: ${words(error)}.`);
    }
  }

  async #tapState(port: 'lan' | 'wan', state: TapState, detail: string): Promise<void> {
    this.#guard.tap(port, state, detail);
    this.#log.info({ port, state, detail }, 'tap');
    try {
      const applied = this.#enforcement.setVerified(this.#taps.allUp);
      if (!this.#enforcement.drops) this.#applied(monotonicMs());
      this.#applied((await applied) ?? monotonicMs());
    } catch (error) {
      this.#warnings.set('relock', `The wire could not be opened or closed: ${words(error)}.`);
    }
  }

  #applied(at: number): void {
    this.#guard.setBlockMode(this.#enforcement.blockMode, this.#enforcement.drops, at);
  }

  #tellTaps(): void {
    if (this.#taps.learn(this.#enforcement.learned())) this.#guard.change(this.#taps.orders);
  }

  async #look(): Promise<void> {
    await this.#firewall.verify(this.#due.delete('breach'));
    this.#tellTaps();
    await this.#bridge?.mend();
    this.#record.settle();
    this.#enforcement.keepAlive(this.#guard.tunnelNamesInUse());
    if (this.#guard.tunnelCameUpSince(this.#enforcement.passOpenedAt)) await this.#enforcement.endPassEarly();
    this.#publisher.news();
  }

  #newGuard(policy: Policy): Guard {
    // Chance, not the clock: a clock that is set back must not give an id twice.
    return new Guard(policy, { now, version: VERSION, idPrefix: randomBytes(6).toString('hex') });
  }
}
