// Creates or adopts the transparent bridge, checks it and restores it. Every change is put into the undo record first. Rules are loaded before
// ports are added, the bridge netfilter sysctls are off, and the box itself is silent on wan. The bridge learns no address on wan, and on
// lan a bounded number that age out within seconds: they keep frames between devices behind one switch from being flooded to wan (linux
// Documentation/ABI/testing/sysfs-class-net-brport).

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { isExhaustion } from '../os/exhaustion.ts';
import { RunError, run } from '../os/run-command.ts';
import type { UndoRecord } from '../os/undo-record.ts';

/** Interface names as `ip link` shows them: the bridge's own, and its two ports'. */
export interface BridgeNames {
  readonly name: string;
  readonly lan: string;
  readonly wan: string;
}

class BridgeError extends Error {
  readonly code: 'no-port' | 'foreign-port' | 'failed';

  constructor(code: 'no-port' | 'foreign-port' | 'failed', message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'BridgeError';
    this.code = code;
  }
}

/** Offloads that must be off: they merge and split frames before the taps see them, and fill the taps' ring. */
const OFFLOADS = [
  'generic-receive-offload',
  'generic-segmentation-offload',
  'tcp-segmentation-offload',
  'large-receive-offload',
  'rx-gro-hw',
  'tx-udp-segmentation',
];

/** Required settings of the bridge: files in /sys/class/net/BRIDGE/bridge. */
const BRIDGE_SETTINGS: Readonly<Record<string, string>> = {
  stp_state: '0',
  forward_delay: '0',
  multicast_snooping: '0',
  group_fwd_mask: '8',
  vlan_filtering: '0',
  // Hundredths of a second.
  ageing_time: '500',
  nf_call_iptables: '0',
  nf_call_ip6tables: '0',
  nf_call_arptables: '0',
};

/** Required settings of each port: files in /sys/class/net/PORT/brport. With other values it forwards less, or elsewhere. */
const PORT_SETTINGS: Readonly<Record<string, string>> = {
  isolated: '0',
  hairpin_mode: '0',
  bpdu_guard: '0',
  root_block: '0',
  unicast_flood: '1',
  multicast_flood: '1',
  broadcast_flood: '1',
  multicast_to_unicast: '0',
  neigh_suppress: '0',
  proxyarp: '0',
  proxyarp_wifi: '0',
  group_fwd_mask: '0',
  backup_port: '',
};

/** Most learned addresses of devices behind a switch on lan: more are a flood. */
const MAX_LEARNED = 256;
/** Learning is off for this long after the table was too full, milliseconds. */
const PAUSE_MS = 5_000;
/** struct __fdb_entry, include/uapi/linux/if_bridge.h. */
const TABLE_ENTRY_BYTES = 16;

/** `state` of a port that forwards (BR_STATE_FORWARDING, include/uapi/linux/if_bridge.h). */
const FORWARDING = '3';
/** IFF_UP, include/uapi/linux/if.h. */
const UP = 1;

/** Queueing disciplines that only delay or drop frames, and cannot redirect them: tc(8), CLASSLESS QDISCS. */
const PLAIN_QDISCS = new Set(
  [
    'noqueue',
    'noop',
    'mq',
    'pfifo_fast',
    'pfifo',
    'bfifo',
    'fq',
    'fq_codel',
    'fq_pie',
    'codel',
    'pie',
    'cake',
  ].concat(['sfq', 'red', 'sfb', 'tbf', 'netem', 'etf', 'hhf']),
);

/** The box's only filter of tc(8) on wan: its preference, and the link to nowhere to which it redirects. */
export const CANARY_FILTER = { preference: '28527', nowhere: 'lgcan3' } as const;

/**
 * The bridge of a policy. A method that reads the kernel's state throws the system's error when no file handle is left, since that does not
 * mean that a port is gone.
 */
export class Bridge {
  readonly #names: BridgeNames;
  readonly #undo: UndoRecord;
  readonly #now: () => number;
  /** The kernel limits what the bridge learns (`fdb_max_learned`, since Linux 6.7 with an `ip` that knows it); undefined: not known yet. */
  #kernelBounds: boolean | undefined;
  /** When the table was last found too full, monotonic milliseconds. */
  #fullAt = -Infinity;
  /** Learning on lan is off because of that. */
  #isLearningPaused = false;

  /**
   * `undo` gets an entry before each change, so every method that changes something can throw its file system errors. `now`: monotonic
   * milliseconds.
   */
  constructor(names: BridgeNames, undo: UndoRecord, now: () => number = () => performance.now()) {
    this.#names = names;
    this.#undo = undo;
    this.#now = now;
  }

  /** Creates the bridge without touching a port: the rules, which must be loaded first, need its MAC address. Rejects with BridgeError. */
  async prepare(): Promise<void> {
    const { name, lan } = this.#names;
    if (exists(name)) return;
    // Unless its MAC address is set, a bridge changes it with every port that is added or removed.
    const mac = read(`/sys/class/net/${lan}/address`);
    const address = mac === undefined ? [] : ['address', mac];
    this.#undo.add({ kind: 'run', command: 'ip', args: ['link', 'del', name] });
    const made = ['link', 'add', 'name', name, ...address, 'type', 'bridge'];
    try {
      await this.#ip([...made, 'stp_state', '0', 'mcast_snooping', '0']);
    } catch (error) {
      // The system's network manager may have created it in the meantime.
      if (!exists(name)) throw error;
    }
  }

  /**
   * The MAC addresses of the bridge and of those ports that exist: lower-case with colons, without duplicates, at most three. Throws when
   * the machine has run out of file handles.
   */
  macs(): string[] {
    const { name, lan, wan } = this.#names;
    const found = [name, lan, wan].flatMap((port) => read(`/sys/class/net/${port}/address`) ?? []);
    return [...new Set(found)];
  }

  /**
   * Adds the ports to the bridge and corrects settings; the ruleset must be loaded. `address`: an IPv4 address for the bridge as
   * `a.b.c.d/len`. Rejects with BridgeError `no-port` (an interface is missing), `foreign-port` (it is in another bridge) or `failed`, and
   * with RunError without ethtool.
   */
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
    await this.#boundLearning();
    for (const port of [lan, wan]) {
      await this.#offloadsOff(port);
      if (masterOf(port) === undefined) {
        this.#undo.add({ kind: 'run', command: 'ip', args: ['link', 'set', port, 'nomaster'] });
        await this.#ip(['link', 'set', port, 'master', name]);
        // In a bridge that is up the port forwards at once: the addresses that it has learned until now are deleted.
        this.#setPort(port);
        writeFileSync(`/sys/class/net/${port}/brport/flush`, '1');
      }
      this.#setPort(port);
      if (!isUp(port)) await this.#ip(['link', 'set', port, 'up']);
      if (isBlocked(name, port)) await this.#run('bridge', ['link', 'set', 'dev', port, 'state', FORWARDING]);
    }
    if (!isUp(name)) await this.#ip(['link', 'set', name, 'up']);
    if (address !== undefined) await this.#ip(['addr', 'replace', address, 'dev', name]);
  }

  /**
   * Names of the ports that are up without a carrier: no cable, or nothing at its other end. Empty when both have one. Throws when no file
   * handle is left.
   */
  unplugged(): string[] {
    const { lan, wan } = this.#names;
    return [lan, wan].filter((port) => isUp(port) && read(`/sys/class/net/${port}/carrier`) === '0');
  }

  /**
   * Why frames from one port may not leave by the other, or may leave elsewhere, one sentence each; empty when the bridge is as it must be.
   * Throws when no file handle is left.
   */
  faults(): string[] {
    const { name, lan, wan } = this.#names;
    const faults: string[] = [];
    for (const port of [lan, wan]) {
      if (!exists(port)) faults.push(`${port} does not exist`);
      else if (masterOf(port) !== name) faults.push(`${port} is not a port of ${name}`);
      else if (!isUp(port)) faults.push(`${port} is down`);
      else if (isBlocked(name, port)) faults.push(`${port} is blocked by ${name}`);
    }
    if (!exists(name)) faults.push(`${name} does not exist`);
    else if (!isUp(name)) faults.push(`${name} is down`);
    for (const port of portsOf(name))
      if (port !== lan && port !== wan) faults.push(`${port} is a port of ${name}, too`);
    const expected = [
      ...Object.entries(BRIDGE_SETTINGS).map(([f, v]) => [`/sys/class/net/${name}/bridge/${f}`, v] as const),
      ...[lan, wan].flatMap((port) => this.#portSettings(port)),
      ...sysctlsFor(name, lan, wan),
    ];
    for (const [file, value] of expected) {
      const found = read(file);
      if (found !== undefined && !isSame(found, value)) faults.push(`${file} is ${found}, not ${value}`);
    }
    return faults;
  }

  /**
   * What could forward frames around rules and taps, or drop them before: filters of tc(8) and XDP programs, one sentence each. They are not
   * removed, since somebody has put them there. Runs two programs: call it less often than `faults`. Rejects with RunError.
   */
  async waysAround(): Promise<string[]> {
    const { name, lan, wan } = this.#names;
    const ours = new Set([name, lan, wan]);
    const commands = ['qdisc show', ...['ingress', 'egress'].map((side) => `filter show dev ${wan} ${side}`)];
    const [output, links] = await Promise.all([
      run('tc', ['-j', '-batch', '-'], commands.slice(0, exists(wan) ? 3 : 1).join('\n')),
      run('ip', ['-j', '-d', 'link', 'show']),
    ]);
    const [qdiscs = '', ingress = '', egress = ''] = output.split('\n');
    const hasOnlyOurs = listed(ingress).length === 0 && listed(egress).every(isCanaryFilter);
    const ways = listed(qdiscs)
      .filter(({ dev, kind }) => ours.has(String(dev)) && !PLAIN_QDISCS.has(String(kind)))
      .filter(({ dev, kind }) => dev !== wan || kind !== 'clsact' || !hasOnlyOurs)
      .map(
        ({ dev, kind }) =>
          `${String(dev)} has the queueing discipline ${String(kind)}, with filters that are not ours`,
      );
    for (const { ifname, xdp, linkinfo } of listed(links)) {
      if (ours.has(String(ifname)) && xdp !== undefined) ways.push(`${String(ifname)} runs an XDP program`);
      const bounds = (linkinfo as { info_data?: { fdb_max_learned?: unknown } } | undefined)?.info_data;
      if (ifname === name && this.#kernelBounds === true && bounds?.fdb_max_learned !== MAX_LEARNED) {
        this.#kernelBounds = undefined;
        await this.#boundLearning();
      }
    }
    return ways;
  }

  /**
   * When lan has filled the address table with invented addresses, empties it and stops learning for PAUSE_MS; true meanwhile. `brforward`
   * of sysfs tells the table's size (include/uapi/linux/if_bridge.h). Throws BridgeError when the port's settings cannot be written.
   */
  boundTable(): boolean {
    const { name, lan } = this.#names;
    if (this.#kernelBounds !== true && tableSize(name) > MAX_LEARNED) {
      this.#fullAt = this.#now();
      this.#isLearningPaused = true;
      this.#setPort(lan);
      ignoringErrors(() => writeFileSync(`/sys/class/net/${lan}/brport/flush`, '1'));
    } else if (this.#isLearningPaused && !this.#isOverfull) {
      this.#isLearningPaused = false;
      this.#setPort(lan);
    }
    return this.#isOverfull;
  }

  get #isOverfull(): boolean {
    return this.#now() - this.#fullAt < PAUSE_MS;
  }

  #portSettings(port: string): [file: string, value: string][] {
    const learning = port === this.#names.lan && !this.#isOverfull ? '1' : '0';
    return Object.entries({ ...PORT_SETTINGS, learning }).map(([file, value]) => [
      `/sys/class/net/${port}/brport/${file}`,
      value,
    ]);
  }

  #setPort(port: string): void {
    for (const [file, value] of this.#portSettings(port)) this.#write(file, value);
  }

  async #boundLearning(): Promise<void> {
    if (this.#kernelBounds !== undefined) return;
    const { name } = this.#names;
    const limit = (count: number): string[] => [
      'link',
      'set',
      name,
      'type',
      'bridge',
      'fdb_max_learned',
      String(count),
    ];
    try {
      await run('ip', limit(MAX_LEARNED));
      this.#kernelBounds = true;
      this.#undo.add({ kind: 'run', command: 'ip', args: limit(0) });
    } catch (error) {
      // `failed`: an older kernel or `ip`, so boundTable() limits the table. Any other error says nothing about either.
      if (error instanceof RunError && error.code === 'failed') this.#kernelBounds = false;
    }
  }

  /**
   * Offloads that are on again, one sentence each. Runs a program: call it less often than `faults`. Never rejects. A port whose offloads
   * cannot be read has none here.
   */
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
    if (before === undefined || isSame(before, value)) return;
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
    await this.#run('ip', args);
  }

  async #run(command: string, args: readonly string[]): Promise<void> {
    try {
      await run(command, args);
    } catch (error) {
      throw new BridgeError('failed', `${command} ${args.join(' ')} failed`, error);
    }
  }
}

/**
 * Offloads of a port that are on and can be turned off, by the names that ethtool(8) prints; empty when the driver does not report them.
 * Rejects with RunError `missing` without ethtool.
 */
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
    // An interface with an IPv6 address would answer and announce itself on the wire.
    ...[name, lan, wan].map((port): [string, string] => [
      `/proc/sys/net/ipv6/conf/${port}/disable_ipv6`,
      '1',
    ]),
  ];
}

function exists(name: string): boolean {
  return read(`/sys/class/net/${name}/ifindex`) !== undefined;
}

function isUp(port: string): boolean {
  return (Number(read(`/sys/class/net/${port}/flags`) ?? 0) & UP) !== 0;
}

/** Whether a port that should forward does not. False without a cable or when the bridge is down: these are other faults. */
function isBlocked(bridge: string, port: string): boolean {
  const hasCarrier = read(`/sys/class/net/${port}/carrier`) === '1';
  const state = read(`/sys/class/net/${port}/brport/state`);
  return isUp(bridge) && isUp(port) && hasCarrier && state !== undefined && state !== FORWARDING;
}

function portsOf(bridge: string): string[] {
  try {
    return readdirSync(`/sys/class/net/${bridge}/brif`);
  } catch {
    return [];
  }
}

function tableSize(bridge: string): number {
  try {
    return readFileSync(`/sys/class/net/${bridge}/brforward`).length / TABLE_ENTRY_BYTES;
  } catch {
    return 0;
  }
}

/** `0x0` equals `0`; an empty text does not. */
function isSame(found: string, value: string): boolean {
  return found === value || (found !== '' && value !== '' && Number(found) === Number(value));
}

function listed(json: string): readonly Readonly<Record<string, unknown>>[] {
  // `tc` prints nothing at all when there is no queueing discipline.
  const value: unknown = json.trim() === '' ? [] : JSON.parse(json);
  return Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
}

/** Whether this is the filter for the box's own forged leaks (appliance/bridge/canary-links.ts); tc also lists it once without options. */
function isCanaryFilter({ pref, options }: Readonly<Record<string, unknown>>): boolean {
  const { actions = [] } = (options ?? {}) as { actions?: readonly { to_dev?: unknown }[] };
  return (
    String(pref) === CANARY_FILTER.preference &&
    actions.every(({ to_dev }) => to_dev === CANARY_FILTER.nowhere)
  );
}

function ignoringErrors(task: () => void): void {
  try {
    task();
  } catch {
    // The port has just disappeared: the next check reports it.
    return;
  }
}

function masterOf(port: string): string | undefined {
  return /^INTERFACE=(.+)$/m.exec(read(`/sys/class/net/${port}/master/uevent`) ?? '')?.[1];
}

/** Undefined when the file does not exist. Throws when no file handle is left: this does not mean that a port is gone. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch (error) {
    if (isExhaustion(error)) throw error;
    return undefined;
  }
}
