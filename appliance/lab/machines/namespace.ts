// Knows: one network namespace: how to make it, run things in it, name its links. Must not know: the lab's topology.
// Follows ip-netns(8): `ip netns exec` also gives the namespace's own view of /sys and of /etc/netns/NAME.

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

/** Marks every process of a lab, also one that is still on its way into a namespace when the lab is taken down. */
export const MARK = 'LEAKGUARD_LAB';

export class Namespace {
  readonly name: string;
  readonly #mark: Readonly<Record<string, string>>;
  #open = true;

  /** `lab` is the id that its processes are marked with. Nothing is made yet. */
  constructor(name: string, lab: string) {
    this.name = name;
    this.#mark = { [MARK]: lab };
  }

  /** From now on nothing is started in it: every attempt is a LabError `closing`. Whatever builds a lab ends there. */
  close(): void {
    this.#open = false;
  }

  async create(): Promise<void> {
    await must(['ip', 'netns', 'add', this.name], { env: this.#env() });
    await this.ip('link set lo up');
  }

  /** The whole command line, for people to copy and for spawning. */
  argv(command: Argv): Argv {
    return ['ip', 'netns', 'exec', this.name, ...command];
  }

  async run(command: Argv, options: RunOptions = {}): Promise<Outcome> {
    return run(this.argv(command), { ...options, env: { ...options.env, ...this.#env() } });
  }

  async must(command: Argv, options: RunOptions = {}): Promise<Outcome> {
    return must(this.argv(command), { ...options, env: { ...options.env, ...this.#env() } });
  }

  async start(command: Argv, options: StartOptions = {}): Promise<Running> {
    return Running.start(this.argv(command), { ...options, env: { ...options.env, ...this.#env() } });
  }

  /** One `ip` command per line, all of them or a LabError. */
  async ip(...lines: readonly string[]): Promise<void> {
    await this.#batch('-4', lines);
  }

  /** The same, where routes, rules and neighbours are those of IPv6. */
  async ip6(...lines: readonly string[]): Promise<void> {
    await this.#batch('-6', lines);
  }

  async #batch(family: '-4' | '-6', lines: readonly string[]): Promise<void> {
    const argv = ['ip', family, '-n', this.name, '-batch', '-'] as const;
    await must(argv, { input: `${lines.join('\n')}\n`, env: this.#env() });
  }

  /** `key` as a path below /proc/sys: `net/ipv6/conf/eth0/accept_dad`. */
  async sysctl(key: string, value: string): Promise<void> {
    await this.must(['tee', `/proc/sys/${key}`], { input: value });
  }

  /** What every process of the lab is started with; asked for each, so a closed namespace starts none. */
  #env(): Readonly<Record<string, string>> {
    if (!this.#open) throw new LabError('closing', `${this.name} is being taken down.`);
    return this.#mark;
  }
}
