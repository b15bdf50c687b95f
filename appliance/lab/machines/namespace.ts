// A network namespace: creates it, runs programs in it and configures its links. See ip-netns(8): `ip netns exec` also provides the
// namespace's own /sys, and the files in /etc/netns/NAME in place of those in /etc.

import { LabError } from '../error.ts';
import {
  type Argv,
  must,
  type Outcome,
  run,
  Running,
  type RunOptions,
  type StartOptions,
} from '../processes/process.ts';

/** Environment variable of every process of a lab, to find even those that have not entered their namespace when the lab is taken down. */
export const MARK = 'LEAKGUARD_LAB';

/** A network namespace by its name. Its methods reject with LabError when a command fails or the namespace is closed. */
export class Namespace {
  readonly name: string;
  readonly #mark: Readonly<Record<string, string>>;
  #open = true;

  /** `lab` is the id with which its processes are marked. Creates nothing yet. */
  constructor(name: string, lab: string) {
    this.name = name;
    this.#mark = { [MARK]: lab };
  }

  /** From now on every attempt to start a program in it is a LabError `closing`, which also ends an unfinished building of the lab. */
  close(): void {
    this.#open = false;
  }

  /** Creates it, with its loopback interface up. */
  async create(): Promise<void> {
    await must(['ip', 'netns', 'add', this.name], { env: this.#env() });
    await this.ip('link set lo up');
  }

  /** The complete command line that runs `command` in this namespace. */
  argv(command: Argv): Argv {
    return ['ip', 'netns', 'exec', this.name, ...command];
  }

  /** Runs a program in it to its end (`run` of processes/process.ts): another exit code than 0 is no error. */
  async run(command: Argv, options: RunOptions = {}): Promise<Outcome> {
    return run(this.argv(command), { ...options, env: { ...options.env, ...this.#env() } });
  }

  /** The same, but rejects unless its exit code is 0. */
  async must(command: Argv, options: RunOptions = {}): Promise<Outcome> {
    return must(this.argv(command), { ...options, env: { ...options.env, ...this.#env() } });
  }

  /** Starts a program in it in the background. */
  async start(command: Argv, options: StartOptions = {}): Promise<Running> {
    return Running.start(this.argv(command), { ...options, env: { ...options.env, ...this.#env() } });
  }

  /** Runs one `ip` command per line, with routes, rules and neighbours of IPv4; LabError if any fails. */
  async ip(...lines: readonly string[]): Promise<void> {
    await this.#batch('-4', lines);
  }

  /** Like `ip`, with routes, rules and neighbours of IPv6. */
  async ip6(...lines: readonly string[]): Promise<void> {
    await this.#batch('-6', lines);
  }

  async #batch(family: '-4' | '-6', lines: readonly string[]): Promise<void> {
    const argv = ['ip', family, '-n', this.name, '-batch', '-'] as const;
    await must(argv, { input: `${lines.join('\n')}\n`, env: this.#env() });
  }

  /** Sets a sysctl of the namespace; `key` is a path below /proc/sys: `net/ipv6/conf/eth0/accept_dad`. */
  async sysctl(key: string, value: string): Promise<void> {
    await this.must(['tee', `/proc/sys/${key}`], { input: value });
  }

  /** The environment of every process of the lab. It is read at every start, so that a closed namespace starts none. */
  #env(): Readonly<Record<string, string>> {
    if (!this.#open) throw new LabError('closing', `${this.name} is being taken down.`);
    return this.#mark;
  }
}
