// Knows: how the parts of the box are put together and in which order they start: the composition root.
// Must not know: what frames, rules or states mean. DESIGN section 2: the ruleset stands before any port forwards.

import { join } from 'node:path';
import type { Logger } from 'pino';
import { Guard } from '../../src/guard/guard.ts';
import type { Status } from '../../src/guard/status.ts';
import { compileFilter } from '../../src/policy/bpf.ts';
import { compileClosedRuleset, compileRuleset } from '../../src/policy/nft.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { Bridge } from '../bridge.ts';
import { now } from '../clock.ts';
import { Firewall } from '../firewall.ts';
import { openLamp } from '../lamp/lamp.ts';
import type { LampDriver } from '../lamp/lamp.ts';
import { TapSupervisor } from '../tap/supervisor.ts';
import type { TapOrder } from '../tap/messages.ts';
import { VERSION } from '../version.ts';
import { ApiError, ApiServer } from './api-server.ts';
import { readBoxState, writeBoxState } from './box-state.ts';
import { closedPolicy } from './closed-policy.ts';
import { readCounterFile, writeCounterFile } from './counter-file.ts';
import type { DaemonOptions } from './options.ts';
import { readPolicyFile } from './policy-file.ts';
import { Publisher } from './publisher.ts';
import { apiRoutes } from './routes.ts';
import type { ApiSubject } from './routes.ts';

const TICK_MS = 100;
const VERIFY_MS = 1_000;

export class Daemon implements ApiSubject {
  readonly #options: DaemonOptions;
  readonly #log: Logger;
  readonly #api: ApiServer;
  readonly #firewall: Firewall;
  readonly #publisher: Publisher;
  readonly #timers: NodeJS.Timeout[] = [];
  #guard: Guard;
  #policy: Policy | undefined;
  #bridge: Bridge | undefined;
  #bridgeUp = false;
  #taps: TapSupervisor[] = [];
  #lamp: LampDriver | undefined;
  #blockMode = true;
  #lampShown = '';
  #warnings = new Map<string, string>();

  constructor(options: DaemonOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#guard = this.#newGuard(closedPolicy());
    this.#api = new ApiServer(
      apiRoutes(this),
      () => ({ event: 'status', data: this.status() }),
      (error) => {
        log.error({ error: String(error) }, 'a request failed');
      },
    );
    this.#publisher = new Publisher(
      () => this.status(),
      (event) => {
        if (event.event === 'status') this.#showLamp(event.data);
        this.#api.publish(event);
      },
    );
    this.#firewall = new Firewall({
      state: (state) => {
        this.#guard.firewall(state);
      },
      reading: (at, values) => {
        this.#guard.reading(at, values);
        writeCounterFile(options.runtimeDir, values);
      },
      mended: (found) => {
        log.error({ found }, 'the firewall rules were changed by somebody else and have been put back');
        this.#warn(
          'foreign-change',
          `The firewall rules were changed from outside: ${found.join('; ')}. Put back.`,
        );
      },
    });
  }

  /** Resolves when rules stand and the API answers; ports that are missing come in later. Rejects when it cannot. */
  async start(): Promise<void> {
    const { state, warning } = readBoxState(this.#options.stateDir);
    this.#blockMode = state.blockMode;
    if (warning !== undefined) this.#warn('state-file', warning);
    await this.#load();
    await this.#api.listen(join(this.#options.runtimeDir, 'api.sock'));
    this.#every(TICK_MS, () => {
      this.#publisher.news(this.#guard.tick());
    });
    this.#every(VERIFY_MS, () => {
      void this.#look();
    });
  }

  /** Takes the policy file anew; an invalid one is refused whole and the one in force stays. */
  async reload(): Promise<void> {
    await this.#load();
    this.#publisher.news();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#publisher.close();
    for (const tap of this.#taps) tap.stop();
    this.#lamp?.close();
    this.#api.close();
    return Promise.resolve();
  }

  status(): Status {
    this.#guard.setWarnings([...this.#warnings.values()]);
    return this.#guard.status();
  }

  incidents(limit: number): ReturnType<Guard['incidents']> {
    return this.#guard.incidents(limit);
  }

  incident(id: string): ReturnType<Guard['incident']> {
    return this.#guard.incident(id);
  }

  policy(): Policy | undefined {
    return this.#policy;
  }

  async setBlockMode(on: boolean): Promise<Status> {
    if (this.#policy === undefined) {
      throw new ApiError(409, 'no-policy', 'without a valid policy the box stays closed');
    }
    const before = this.#blockMode;
    try {
      // Closing: kernel first, then the record. Opening: the record first, so that a crash between errs to closed rules.
      this.#blockMode = on;
      if (!on) writeBoxState(this.#options.stateDir, { blockMode: on });
      const appliedAt = await this.#applyRules(this.#policy);
      if (on) writeBoxState(this.#options.stateDir, { blockMode: on });
      this.#guard.setBlockMode(on, appliedAt);
    } catch (error) {
      this.#blockMode = before;
      throw new ApiError(
        503,
        'not-applied',
        `block mode stays ${before ? 'on' : 'off'}: ${String(error)}`,
        [],
        error,
      );
    }
    this.#warnings.delete('state-file');
    this.#log.info({ blockMode: on }, 'block mode switched');
    this.#publisher.news();
    return this.status();
  }

  acknowledge(id: string): Status | undefined {
    if (!this.#guard.acknowledge(id)) return undefined;
    this.#publisher.news();
    return this.status();
  }

  async #load(): Promise<void> {
    const read = readPolicyFile(this.#options.config);
    if (!read.ok) {
      for (const fault of read.faults) this.#log.error({ fault }, 'the policy is invalid');
      const stays = this.#policy === undefined ? 'the box stays closed' : 'the last valid one stays in force';
      this.#warn('policy', `The policy file is invalid and ${stays}: ${read.faults.join('; ')}`);
      if (this.#policy === undefined) await this.#firewall.apply(compileClosedRuleset());
      return;
    }
    this.#warnings.delete('policy');
    await this.#enforce(read.policy);
  }

  async #enforce(policy: Policy): Promise<void> {
    const first = this.#policy === undefined;
    this.#policy = policy;
    if (first) {
      this.#guard = this.#newGuard(policy);
      const last = readCounterFile(this.#options.runtimeDir);
      if (last !== undefined) this.#guard.resume(last);
    } else {
      this.#guard.setPolicy(policy);
    }
    this.#lamp?.close();
    this.#lamp = openLamp(policy.lamp);
    this.#lampShown = '';
    this.#bridge ??= new Bridge(policy.bridge);
    await this.#bridge.prepare();
    const appliedAt = await this.#applyRules(policy);
    this.#guard.setBlockMode(this.#blockMode, appliedAt);
    await this.#raiseBridge();
    this.#startTaps(policy);
  }

  async #applyRules(policy: Policy): Promise<number> {
    const boxMacs = this.#bridge?.macs() ?? [];
    return this.#firewall.apply(compileRuleset(policy, { blockMode: this.#blockMode, boxMacs }));
  }

  async #raiseBridge(): Promise<void> {
    if (this.#policy === undefined || this.#bridge === undefined) return;
    const { address } = this.#policy.management;
    try {
      await this.#bridge.raise(typeof address === 'object' ? address.static : undefined);
      if (!this.#bridgeUp) this.#log.info(this.#policy.bridge, 'the bridge is up');
      this.#bridgeUp = true;
      this.#warnings.delete('bridge');
    } catch (error) {
      this.#bridgeUp = false;
      this.#warn(
        'bridge',
        `The bridge is not whole: ${error instanceof Error ? error.message : String(error)}.`,
      );
    }
  }

  #startTaps(policy: Policy): void {
    const filter = compileFilter(policy);
    const orders = (['lan', 'wan'] as const).map((port): TapOrder => ({
      port,
      interface: policy.bridge[port],
      policy,
      filter,
    }));
    for (const [index, order] of orders.entries()) {
      const running = this.#taps[index];
      if (running !== undefined) {
        running.renew(order);
        continue;
      }
      const tap = new TapSupervisor(order, {
        report: (report) => {
          this.#publisher.news(this.#guard.report(report));
        },
        state: (state, detail) => {
          this.#guard.tap(order.port, state, detail);
          this.#log.info({ port: order.port, state, detail }, 'tap');
          this.#publisher.news();
        },
      });
      this.#taps.push(tap);
      tap.start();
    }
  }

  async #look(): Promise<void> {
    await this.#firewall.verify();
    const faults = this.#bridge?.faults() ?? [];
    if (faults.length > 0) {
      this.#warn('bridge', `The bridge is not whole: ${faults.join('; ')}.`);
      await this.#raiseBridge();
    } else {
      this.#warnings.delete('bridge');
    }
    this.#publisher.news();
  }

  #showLamp(status: Status): void {
    if (status.lamp === this.#lampShown) return;
    try {
      this.#lamp?.show(status.lamp);
      this.#lampShown = status.lamp;
      this.#warnings.delete('lamp');
    } catch (error) {
      this.#warn(
        'lamp',
        `The lamp cannot be set: ${error instanceof Error ? error.message : String(error)}.`,
      );
    }
  }

  #warn(topic: string, text: string): void {
    if (this.#warnings.get(topic) === text) return;
    this.#warnings.set(topic, text);
    this.#log.warn({ topic }, text);
  }

  #newGuard(policy: Policy): Guard {
    return new Guard(policy, { now, version: VERSION, idPrefix: Date.now().toString(36) });
  }

  #every(milliseconds: number, task: () => void): void {
    this.#timers.push(setInterval(task, milliseconds));
  }
}
