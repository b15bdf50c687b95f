// A daemon in a lab's box that is started again the moment it ends, and whose processes can be killed.

import { readFileSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LabError } from '../../appliance/lab/error.ts';
import type { Lab } from '../../appliance/lab/lab.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import { programArgv } from '../../appliance/lab/processes/program.ts';
import { ask } from './ask.ts';

export type Role = 'daemon' | 'lan' | 'wan';

export interface Keeping {
  /** The lab's own unless told. */
  readonly stateDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class KeptDaemon {
  readonly #lab: Lab;
  readonly #stateDir: string;
  readonly #env: Readonly<Record<string, string>>;
  #running: Running | undefined;
  #kept = true;
  starts = 0;

  constructor(lab: Lab, { stateDir = lab.plan.files.guardState, env = {} }: Keeping = {}) {
    this.#lab = lab;
    this.#stateDir = stateDir;
    this.#env = env;
  }

  /** Resolves when it is watching; from then on it comes back at once whenever it ends. */
  async start(policy = labPolicy(this.#lab.plan)): Promise<void> {
    const { files } = this.#lab.plan;
    const directories = [this.#stateDir, files.guardRuntime].map((path) => mkdir(path, { recursive: true }));
    await Promise.all([...directories, writeFile(files.policy, policy)]);
    await this.launch();
    await this.watching();
  }

  /** Both taps read and nothing is blind. */
  async watching(timeoutMs = 30_000): Promise<void> {
    await this.#lab.guard.waitFor(
      'a guard that sees',
      (s) => !['starting', 'blind'].includes(s.state),
      timeoutMs,
    );
  }

  /** Kills one process as the kernel would; false when it is not there right now. */
  kill(role: Role): boolean {
    return sent('SIGKILL', role === 'daemon' ? this.#daemonPid() : this.tapPid(role));
  }

  /** Asks the daemon to end; another begins. False when it is not there right now. */
  end(): boolean {
    return sent('SIGTERM', this.#daemonPid());
  }

  get pid(): number | undefined {
    return this.#daemonPid();
  }

  /** It stays away from now on. */
  async killForGood(): Promise<void> {
    this.#kept = false;
    this.kill('daemon');
    await this.#running?.exited;
  }

  async stop(): Promise<void> {
    this.#kept = false;
    await this.#running?.stop();
  }

  /** Puts a policy text in force by the local API; the HTTP status. */
  async putPolicy(text: string): Promise<number> {
    return (await ask(this.#lab.plan.files.api, 'PUT', '/v1/policy', { text })).status;
  }

  /** Starts it with the files as they are. */
  async launch(): Promise<void> {
    const { files, dir } = this.#lab.plan;
    const argv = programArgv(
      'daemon/main',
      ...['--config', files.policy, '--state-dir', this.#stateDir, '--runtime-dir', files.guardRuntime],
    );
    this.starts += 1;
    const running = await this.#lab.network.box.start(argv, { log: `${dir}/kept.log`, env: this.#env });
    this.#running = running;
    void running.exited.then(() => this.#again());
  }

  async #again(): Promise<void> {
    try {
      if (this.#kept) await this.launch();
    } catch (error) {
      // A test that failed has not stopped it, and its lab is being taken down.
      if (!(error instanceof LabError && error.code === 'closing')) throw error;
    }
  }

  /** `ip netns exec` becomes the program it runs: its process is the daemon. */
  #daemonPid(): number | undefined {
    const running = this.#running;
    return running === undefined || running.ended ? undefined : running.pid;
  }

  /** Process of the tap on this port. */
  tapPid(role: 'lan' | 'wan'): number | undefined {
    const daemon = this.#daemonPid();
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number)
      .find((pid) => {
        const { command, parent } = processFacts(pid);
        return parent === daemon && command.includes('tap/main.js') && command.endsWith(`${role}0`);
      });
  }
}

function processFacts(pid: number): { command: string; parent: number } {
  try {
    const command = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')
      .replaceAll('\0', ' ')
      .trim();
    const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
    return { command, parent: Number(parent) };
  } catch {
    // It ended between the listing and the look.
    return { command: '', parent: 0 };
  }
}

function sent(signal: NodeJS.Signals, pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    // It ended in this very moment.
    return false;
  }
}
