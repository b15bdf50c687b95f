// A real bridge between two ends, in namespaces of its own, and which counters a frame that is sent there adds to. A frame has been judged
// when the counter `sent`, which every ruleset here has, says so.

import { execFile, spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Readable, Writable } from 'node:stream';

const run = promisify(execFile);
const SENDER = join(process.cwd(), 'test/netns/differential-sender.mjs');
const ENDS = ['lan', 'wan'] as const;
export type End = (typeof ENDS)[number];
type Sender = ChildProcessByStdio<Writable, Readable, null>;

export class Bridge {
  readonly #id: string;
  readonly #directory: string;
  readonly #senders = new Map<End, Sender>();

  private constructor(id: string, directory: string) {
    this.#id = id;
    this.#directory = directory;
  }

  static async raise(id: string): Promise<Bridge> {
    const bridge = new Bridge(id, await mkdtemp(join(tmpdir(), 'leakguard-bridge-')));
    for (const name of ['lan', 'box', 'wan']) {
      await run('ip', ['netns', 'add', bridge.#space(name)]);
      await bridge.#in(
        name,
        'sysctl',
        '-qw',
        'net.ipv6.conf.all.disable_ipv6=1',
        'net.ipv6.conf.default.disable_ipv6=1',
      );
    }
    for (const table of ['ip', 'ip6', 'arp'])
      await bridge.#in('box', 'sysctl', '-qw', '-e', `net.bridge.bridge-nf-call-${table}tables=0`);
    await bridge.#in(
      'box',
      'ip',
      'link',
      'add',
      'br0',
      'type',
      'bridge',
      'stp_state',
      '0',
      'mcast_snooping',
      '0',
      'group_fwd_mask',
      '8',
    );
    for (const end of ENDS) {
      await bridge.#in(
        'box',
        'ip',
        'link',
        'add',
        `${end}0`,
        'type',
        'veth',
        'peer',
        'name',
        'eth0',
        'netns',
        bridge.#space(end),
      );
      await bridge.#in('box', 'ip', 'link', 'set', `${end}0`, 'mtu', '9216', 'master', 'br0', 'up');
      await bridge.#in(end, 'ip', 'link', 'set', 'eth0', 'mtu', '9216', 'up');
    }
    await bridge.#in('box', 'ip', 'link', 'set', 'br0', 'up');
    for (const end of ENDS) {
      const args = ['netns', 'exec', bridge.#space(end), process.execPath, SENDER, 'eth0'];
      bridge.#senders.set(end, spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] }));
    }
    return bridge;
  }

  async close(): Promise<void> {
    for (const sender of this.#senders.values()) sender.stdin.end();
    for (const name of ['lan', 'box', 'wan'])
      await run('ip', ['netns', 'del', this.#space(name)]).catch(() => undefined);
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Loads a ruleset and gives back the kernel's bytecode of it, and its listing. */
  async load(ruleset: string): Promise<string> {
    const path = join(this.#directory, 'ruleset.nft');
    await writeFile(path, `flush ruleset\n${ruleset}`);
    await this.#in('box', 'nft', '-f', path);
    return this.#in('box', 'nft', '--debug=netlink', 'list', 'ruleset');
  }

  /** Names of the counters that this frame added to; undefined where it never came to the rules. */
  async counters(): Promise<ReadonlyMap<string, number>> {
    const text = await this.#in('box', 'nft', '-j', 'list', 'counters');
    const { nftables } = JSON.parse(text) as { nftables: { counter?: { name: string; packets: number } }[] };
    return new Map(
      nftables.flatMap(({ counter }) =>
        counter === undefined ? [] : [[counter.name, counter.packets] as const],
      ),
    );
  }

  async send(from: End, frame: Uint8Array): Promise<void> {
    const sender = this.#senders.get(from);
    if (sender === undefined) throw new Error('no sender');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    const answered = new Promise((done) => sender.stdout.once('data', done));
    sender.stdin.write(Buffer.concat([length, frame]));
    await answered;
  }

  async #in(name: string, command: string, ...args: readonly string[]): Promise<string> {
    return (await run('ip', ['netns', 'exec', this.#space(name), command, ...args], { maxBuffer: 256 << 20 }))
      .stdout;
  }

  #space(name: string): string {
    return `lgproof-${this.#id}-${name}`;
  }
}
