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

/** 802.1X to its group (IEEE 802.1X-2020 section 11.1.1), which crosses either way, whatever the policy. */
const MARKER = Buffer.concat([Buffer.from('0180c200000302a5a5a5a501888e01010000', 'hex'), Buffer.alloc(42)]);

function lengthOf(frame: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return length;
}

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
      // Every frame goes to the other port: none is for somebody who was seen on its own.
      await bridge.#in('box', 'ip', 'link', 'set', `${end}0`, 'type', 'bridge_slave', 'learning', 'off');
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
    const answered = new Promise((done) => sender.stdout.once('data', done));
    sender.stdin.write(Buffer.concat([lengthOf(frame), frame]));
    await answered;
  }

  /**
   * How many of these frames arrive at the other end, of which so many are expected: more is seen at once, fewer is after five seconds.
   * Behind them go two that every ruleset lets cross, so that what is late has come by then.
   */
  async arrived(from: End, frames: readonly Uint8Array[], expected: number): Promise<number> {
    const to = from === 'lan' ? 'wan' : 'lan';
    const before = await this.#received(to);
    for (const [list, more] of [
      [frames, 0],
      [[MARKER], 1],
      [[MARKER], 2],
    ] as const) {
      await this.#sendAll(from, list);
      if (more === 0) continue;
      const deadline = Date.now() + 5_000;
      while ((await this.#received(to)) - before < expected + more && Date.now() < deadline);
    }
    return (await this.#received(to)) - before - 2;
  }

  async #received(end: End): Promise<number> {
    return Number(await this.#in(end, 'cat', '/sys/class/net/eth0/statistics/rx_packets'));
  }

  async #sendAll(from: End, frames: readonly Uint8Array[]): Promise<void> {
    const sender = this.#senders.get(from);
    if (sender === undefined) throw new Error('no sender');
    for (let at = 0; at < frames.length; at += 100) {
      const some = frames.slice(at, at + 100);
      let left = some.length;
      const sent = new Promise<void>((done) => {
        const count = (bytes: Buffer): void => {
          left -= bytes.length;
          if (left > 0) return;
          sender.stdout.off('data', count);
          done();
        };
        sender.stdout.on('data', count);
      });
      sender.stdin.write(Buffer.concat(some.flatMap((frame) => [lengthOf(frame), frame])));
      await sent;
    }
  }

  async #in(name: string, command: string, ...args: readonly string[]): Promise<string> {
    return (await run('ip', ['netns', 'exec', this.#space(name), command, ...args], { maxBuffer: 256 << 20 }))
      .stdout;
  }

  #space(name: string): string {
    return `lgproof-${this.#id}-${name}`;
  }
}
