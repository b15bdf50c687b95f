// Knows: how the appliance is started in the box, as its units would: restarted when it dies. Must not know: its insides.
// The daemon makes the bridge itself; until it has, nothing crosses.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { endpointText } from './wireguard.ts';
import { LabError } from '../error.ts';
import type { GuardClient } from '../guard.ts';
import type { Namespace } from './namespace.ts';
import { LAN, NET, type Plan } from '../plan.ts';
import type { Argv, Running } from '../processes/process.ts';
import { programArgv } from '../processes/program.ts';

export const PAGE_PORT = 80;
/** As RestartSec in a unit: long enough for a scenario to see the time without a guard. */
const RESTART_MS = 1000;
/** A guard that keeps dying is a finding, not something to hide. */
const RESTARTS = 20;

/** The policy of the lab's box: one WireGuard tunnel, a fixed management address. */
export function labPolicy(plan: Plan): string {
  const endpoints = [NET.tunnelServer4, NET.tunnelServer6].map(
    (address) => `"udp:${endpointText(address, NET.tunnelPort)}"`,
  );
  return [
    'version: 1',
    'profile: full-tunnel',
    'tunnels:',
    '  - name: lab',
    '    protocol: wireguard',
    `    endpoints: [${endpoints.join(', ')}]`,
    'bridge: {name: br0, lan: lan0, wan: wan0}',
    `management: {address: "${LAN.box}/24", hostname: leakguard}`,
    `web: {port: ${PAGE_PORT}}`,
    `lamp: {driver: file, path: ${plan.files.lamp}}`,
    '',
  ].join('\n');
}

/** One program that is kept running until `abandon`. */
export class Supervised {
  readonly #name: string;
  readonly #space: Namespace;
  readonly #argv: Argv;
  readonly #log: string;
  readonly #started: (pid: number) => Promise<void>;
  #running: Running | undefined;
  readonly #firstEnd: Promise<string>;
  #endedFirst: (words: string) => void = () => undefined;
  #stopping = false;

  constructor(
    name: string,
    space: Namespace,
    argv: Argv,
    log: string,
    started: (pid: number) => Promise<void> = () => Promise.resolve(),
  ) {
    this.#name = name;
    this.#space = space;
    this.#argv = argv;
    this.#log = log;
    this.#started = started;
    this.#firstEnd = new Promise((resolve) => (this.#endedFirst = resolve));
  }

  /** Resolves when it runs; from then on it is started again whenever it ends. */
  async start(): Promise<void> {
    await this.#launch(0);
  }

  /** It is not started again from now on; whoever calls this ends it. */
  abandon(): void {
    this.#stopping = true;
  }

  /** Resolves when it ends for the first time, with what it said last. */
  get firstEnd(): Promise<string> {
    return this.#firstEnd;
  }

  /** What it said last, for messages: the log is gone when the lab is. */
  get lastWords(): string {
    const lines = this.#running?.lines.slice(-15) ?? [];
    return lines.length === 0 ? `${this.#name} said nothing.` : `${this.#name} said:\n${lines.join('\n')}`;
  }

  async #launch(times: number): Promise<void> {
    const running = await this.#space.start(this.#argv, { log: this.#log });
    this.#running = running;
    await this.#started(running.pid);
    void running.exited.then(() => {
      this.#endedFirst(this.lastWords);
      return this.#again(times + 1);
    });
  }

  async #again(times: number): Promise<void> {
    if (this.#abandoned() || times > RESTARTS) return;
    await pause(RESTART_MS, undefined, { ref: false });
    if (this.#abandoned()) return;
    await this.#launch(times).catch(() => undefined);
  }

  #abandoned(): boolean {
    return this.#stopping;
  }
}

/** leakguardd in the box; `started` hears of every start. The wire is watched when this resolves. */
export async function startDaemon(
  plan: Plan,
  space: Namespace,
  guard: GuardClient,
  started: (pid: number) => Promise<void>,
): Promise<Supervised> {
  const { policy, guardState, guardRuntime } = plan.files;
  await Promise.all([mkdir(guardState), mkdir(guardRuntime), writeFile(policy, labPolicy(plan))]);
  const argv = programArgv(
    'daemon/main',
    '--config',
    policy,
    '--state-dir',
    guardState,
    '--runtime-dir',
    guardRuntime,
  );
  const daemon = new Supervised('leakguardd', space, argv, join(plan.dir, 'leakguardd.log'), started);
  await daemon.start();
  const given = new AbortController();
  const watching = guard.waitFor(
    'both taps up',
    ({ state, health }) => state !== 'starting' && health.taps.every((tap) => tap.state === 'up'),
    20_000,
    given.signal,
  );
  const failed = daemon.firstEnd.then((words) => {
    throw new LabError('no-guard', `the guard does not come up: ${words}`);
  });
  failed.catch(() => undefined);
  await Promise.race([watching, failed]).catch((cause: unknown) => {
    daemon.abandon();
    given.abort();
    if (cause instanceof LabError && cause.code === 'no-guard') throw cause;
    throw new LabError('no-guard', `the guard does not come up in time: ${daemon.lastWords}`, cause);
  });
  return daemon;
}

/** leakguard-web in the box, on the management address only. */
export async function startPage(plan: Plan, space: Namespace): Promise<Supervised> {
  const argv = programArgv(
    'web/main',
    '--api',
    plan.files.api,
    '--port',
    `${PAGE_PORT}`,
    '--host',
    LAN.box,
    '--state-dir',
    join(plan.dir, 'page-state'),
  );
  const page = new Supervised('leakguard-web', space, argv, join(plan.dir, 'leakguard-web.log'));
  await page.start();
  return page;
}
