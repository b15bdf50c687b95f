// Knows: how the transparent bridge is made or adopted; every change goes into the undo record first.
// Must not know: rules, policy beyond names and address.
// DESIGN section 5: rules stand before ports are enslaved; bridge netfilter sysctls off; the box itself is silent on wan.

import { readFileSync, writeFileSync } from 'node:fs';
import { RunError, run } from './run-command.ts';
import type { UndoRecord } from './undo-record.ts';

export interface BridgeNames {
  readonly name: string;
  readonly lan: string;
  readonly wan: string;
}

export class BridgeError extends Error {
  readonly code: 'no-port' | 'foreign-port' | 'failed';

  constructor(code: 'no-port' | 'foreign-port' | 'failed', message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'BridgeError';
    this.code = code;
  }
}

/** Offloads merge and split frames behind the taps' backs and eat their ring (DESIGN section 5). */
const OFFLOADS = [
  'generic-receive-offload',
  'generic-segmentation-offload',
  'tcp-segmentation-offload',
  'large-receive-offload',
  'rx-gro-hw',
  'tx-udp-segmentation',
];

/** Values the bridge must have, as files of sysfs below /sys/class/net/BRIDGE/bridge. */
const BRIDGE_SETTINGS: Readonly<Record<string, string>> = {
  stp_state: '0',
  forward_delay: '0',
  multicast_snooping: '0',
  group_fwd_mask: '8',
  nf_call_iptables: '0',
  nf_call_ip6tables: '0',
  nf_call_arptables: '0',
};

export class Bridge {
  readonly #names: BridgeNames;
  readonly #undo: UndoRecord;

  constructor(names: BridgeNames, undo: UndoRecord) {
    this.#names = names;
    this.#undo = undo;
  }

  /** Makes the bridge without touching a port, so that its address is known to the rules that must stand first. */
  async prepare(): Promise<void> {
    const { name, lan } = this.#names;
    if (exists(name)) return;
    // Without an address of its own the bridge would change it with every port that comes and goes.
    const mac = read(`/sys/class/net/${lan}/address`);
    const address = mac === undefined ? [] : ['address', mac];
    this.#undo.add({ kind: 'run', command: 'ip', args: ['link', 'del', name] });
    const made = ['link', 'add', 'name', name, ...address, 'type', 'bridge'];
    try {
      await this.#ip([...made, 'stp_state', '0', 'mcast_snooping', '0']);
    } catch (error) {
      // The system's own network manager may have made it in this very moment.
      if (!exists(name)) throw error;
    }
  }

  /** The addresses by which the box itself can be meant: the bridge's and its ports'. */
  macs(): string[] {
    const { name, lan, wan } = this.#names;
    const found = [name, lan, wan].flatMap((port) => read(`/sys/class/net/${port}/address`) ?? []);
    return [...new Set(found)];
  }

  /** Enslaves the ports and sets what differs; throws BridgeError. The ruleset must stand already. */
  async raise(address: string | undefined): Promise<void> {
    const { name, lan, wan } = this.#names;
    await this.prepare();
    for (const port of [lan, wan]) {
      if (!exists(port)) throw new BridgeError('no-port', `there is no interface ${port} on this machine`);
      const master = masterOf(port);
      if (master !== undefined && master !== name) {
        throw new BridgeError('foreign-port', `${port} already belongs to ${master}`);
      }
    }
    for (const [file, value] of sysctlsFor(name, lan, wan)) this.#write(file, value);
    for (const [file, value] of Object.entries(BRIDGE_SETTINGS)) {
      this.#write(`/sys/class/net/${name}/bridge/${file}`, value);
    }
    for (const port of [lan, wan]) {
      await this.#offloadsOff(port);
      if (masterOf(port) === undefined) {
        this.#undo.add({ kind: 'run', command: 'ip', args: ['link', 'set', port, 'nomaster'] });
        await this.#ip(['link', 'set', port, 'master', name]);
      }
      await this.#ip(['link', 'set', port, 'up']);
    }
    await this.#ip(['link', 'set', name, 'up']);
    if (address !== undefined) await this.#ip(['addr', 'replace', address, 'dev', name]);
  }

  /** Port missing from the bridge, or a setting that differs: one sentence each. Never throws. */
  faults(): string[] {
    const { name, lan, wan } = this.#names;
    const faults: string[] = [];
    for (const port of [lan, wan]) {
      if (!exists(port)) faults.push(`${port} does not exist`);
      else if (masterOf(port) !== name) faults.push(`${port} is not a port of ${name}`);
    }
    const expected = [
      ...Object.entries(BRIDGE_SETTINGS).map(([f, v]) => [`/sys/class/net/${name}/bridge/${f}`, v] as const),
      ...sysctlsFor(name, lan, wan),
    ];
    for (const [file, value] of expected) {
      const found = read(file);
      if (found !== undefined && Number(found) !== Number(value))
        faults.push(`${file} is ${found}, not ${value}`);
    }
    return faults;
  }

  /** Offloads that are on again, one sentence each; asks a program, so less often than `faults`. Never throws. */
  async offloadFaults(): Promise<string[]> {
    const faults: string[] = [];
    for (const port of [this.#names.lan, this.#names.wan]) {
      const on = await activeOffloads(port).catch(() => []);
      faults.push(...on.map((feature) => `${feature} of ${port} is on`));
    }
    return faults;
  }

  #write(file: string, value: string): void {
    const before = read(file);
    if (before === undefined || Number(before) === Number(value)) return;
    this.#undo.add({ kind: 'file', path: file, value: before });
    try {
      writeFileSync(file, value);
    } catch (error) {
      throw new BridgeError('failed', `${file} cannot be set to ${value}`, error);
    }
  }

  async #offloadsOff(port: string): Promise<void> {
    const on = await activeOffloads(port);
    if (on.length === 0) return;
    const all = (state: 'on' | 'off'): string[] => ['-K', port, ...on.flatMap((feature) => [feature, state])];
    this.#undo.add({ kind: 'run', command: 'ethtool', args: all('on') });
    try {
      await run('ethtool', all('off'));
    } catch (error) {
      throw new BridgeError('failed', `the offloads of ${port} cannot be turned off`, error);
    }
  }

  async #ip(args: readonly string[]): Promise<void> {
    try {
      await run('ip', args);
    } catch (error) {
      throw new BridgeError('failed', `ip ${args.join(' ')} failed`, error);
    }
  }
}

/** Offloads of a port that are on and can be turned off; none where the driver does not say. Throws RunError without ethtool. */
export async function activeOffloads(port: string): Promise<string[]> {
  let listing: unknown;
  try {
    listing = JSON.parse(await run('ethtool', ['--json', '-k', port]));
  } catch (error) {
    if (error instanceof RunError && error.code === 'missing') throw error;
    return [];
  }
  const [features = {}] = listing as Record<string, { active?: boolean; fixed?: boolean } | undefined>[];
  return OFFLOADS.filter((name) => features[name]?.active === true && features[name].fixed !== true);
}

function sysctlsFor(name: string, lan: string, wan: string): [string, string][] {
  return [
    ...['iptables', 'ip6tables', 'arptables'].map((tables): [string, string] => [
      `/proc/sys/net/bridge/bridge-nf-call-${tables}`,
      '0',
    ]),
    ['/proc/sys/net/ipv4/ip_forward', '0'],
    ['/proc/sys/net/ipv6/conf/all/forwarding', '0'],
    // An interface with an IPv6 address of its own would answer, and announce itself, past the bridge.
    ...[name, lan, wan].map((port): [string, string] => [
      `/proc/sys/net/ipv6/conf/${port}/disable_ipv6`,
      '1',
    ]),
  ];
}

function exists(name: string): boolean {
  return read(`/sys/class/net/${name}/ifindex`) !== undefined;
}

function masterOf(port: string): string | undefined {
  return /^INTERFACE=(.+)$/m.exec(read(`/sys/class/net/${port}/master/uevent`) ?? '')?.[1];
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return undefined;
  }
}
