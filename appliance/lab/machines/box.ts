// Starts the daemon and the page in the box, and restarts them when they end, as their systemd units would.
// The daemon creates the bridge itself; until then nothing crosses.

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

/** TCP port of the page in the box. */
export const PAGE_PORT = 80;
/** Like RestartSec in a unit: long enough for a scenario to observe the time without a guard. */
const RESTART_MS = 1000;
/** A guard that keeps dying is a bug that restarts must not hide. */
const MAX_RESTARTS = 20;

/** The policy of the lab's box as YAML: one WireGuard tunnel with an IPv4 and an IPv6 endpoint, a fixed management address, an LED file. */
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

/** A program that is restarted whenever it ends, until `abandon`. */
export class Supervised {
  readonly #name: string;
  readonly #space: Namespace;
  readonly #argv: Argv;
  readonly #log: string;
  readonly #started: (pid: number) => Promise<void>;
  #running: Running | undefined;
  readonly #firstEnd: Promise<string>;
  #endedFirst: (lastOutput: string) => void = () => undefined;
  #stopping = false;

  /** `name`: for messages; `log`: file to which all output is appended; `started` is called with the process id at every start. */
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

  /**
   * Resolves when the program runs; from then on it is restarted whenever it ends. Rejects with LabError when it cannot be started, and
   * with what `started` rejects with.
   */
  async start(): Promise<void> {
    await this.#launch(0);
  }

  /** Ends the restarting; the caller ends the program itself. */
  abandon(): void {
    this.#stopping = true;
  }

  /** Resolves when the program ends for the first time, with its last output. */
  get firstEnd(): Promise<string> {
    return this.#firstEnd;
  }

  /** The program's last output, for error messages: the log is deleted with the lab. */
  get lastOutput(): string {
    const lines = this.#running?.lines.slice(-15) ?? [];
    return lines.length === 0
      ? `${this.#name} printed nothing.`
      : `${this.#name} printed:\n${lines.join('\n')}`;
  }

  async #launch(restarts: number): Promise<void> {
    const running = await this.#space.start(this.#argv, { log: this.#log });
    this.#running = running;
    await this.#started(running.pid);
    void running.exited.then(() => {
      this.#endedFirst(this.lastOutput);
      return this.#restart(restarts + 1);
    });
  }

  async #restart(restarts: number): Promise<void> {
    if (this.#abandoned() || restarts > MAX_RESTARTS) return;
    await pause(RESTART_MS, undefined, { ref: false });
    if (this.#abandoned()) return;
    await this.#launch(restarts).catch(() => undefined);
  }

  #abandoned(): boolean {
    return this.#stopping;
  }
}

/**
 * Starts leakguardd in the box; resolves when both taps are up. `started` is called with the process id at every start. Rejects with
 * LabError `no-guard`, with the daemon's last output, when it ends or is not up in 20 s.
 */
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
  const failing = new AbortController();
  const watching = guard.waitFor(
    'both taps up',
    ({ state, health }) => state !== 'starting' && health.taps.every((tap) => tap.state === 'up'),
    20_000,
    failing.signal,
  );
  const failed = daemon.firstEnd.then((output) => {
    throw new LabError('no-guard', `the guard does not start: ${output}`);
  });
  failed.catch(() => undefined);
  await Promise.race([watching, failed]).catch((cause: unknown) => {
    daemon.abandon();
    failing.abort();
    if (cause instanceof LabError && cause.code === 'no-guard') throw cause;
    throw new LabError('no-guard', `the guard did not start in time: ${daemon.lastOutput}`, cause);
  });
  return daemon;
}

/**
 * Starts leakguard-web in the box, listening only on the management address; resolves when the process runs, not when it answers. Rejects
 * with LabError.
 */
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
