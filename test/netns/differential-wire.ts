// A bridge with a ruleset, and two ends that send and see frames.
//
//   lanend eth0 --veth-- lan0 [br0] wan0 --veth-- eth0 wanend        three namespaces, no addresses, IPv6 off
//
// A frame has arrived when the kernel's counters say so: nothing here waits for time to pass.

import { execFile, spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { RECENT_PEER_SETS } from '../../src/policy/filter/recent-peers.ts';

const run = promisify(execFile);
const SENDER = new URL('differential-sender.mjs', import.meta.url).pathname;
/** EtherType of the frame that ends a capture; nothing else sends it. */
const END = 0xfffe;

type Piped = ChildProcessByStdio<Writable, Readable, Readable>;

export type End = 'lan' | 'wan';

export class Wire {
  readonly #id: string;
  readonly #senders = new Map<End, Piped>();
  #directory = '';

  private constructor(id: string) {
    this.#id = id;
  }

  /** Namespaces, links and senders; `close` takes all away. */
  static async raise(id: string): Promise<Wire> {
    const wire = new Wire(id);
    try {
      await wire.#raise();
      return wire;
    } catch (error) {
      await wire.close();
      throw error;
    }
  }

  async #raise(): Promise<void> {
    this.#directory = await mkdtemp(join(tmpdir(), 'leakguard-differential-'));
    for (const name of ['lan', 'box', 'wan']) await run('ip', ['netns', 'add', this.#space(name)]);
    for (const name of ['lan', 'box', 'wan']) {
      await this.#in(
        name,
        'sysctl',
        '-qw',
        'net.ipv6.conf.all.disable_ipv6=1',
        'net.ipv6.conf.default.disable_ipv6=1',
      );
    }
    // With br_netfilter the IP stack would drop what is malformed before it is judged or counted (net/bridge/br_netfilter_hooks.c).
    for (const table of ['ip', 'ip6', 'arp']) {
      await this.#in('box', 'sysctl', '-qw', '-e', `net.bridge.bridge-nf-call-${table}tables=0`);
    }
    for (const end of ['lan', 'wan'] as const) {
      const peer = ['peer', 'name', 'eth0', 'netns', this.#space(end)];
      await this.#in('box', 'ip', 'link', 'add', `${end}0`, 'type', 'veth', ...peer);
    }
    const bridge = [
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
    ];
    await this.#in('box', 'ip', ...bridge);
    for (const end of ['lan', 'wan'] as const) {
      await this.#in('box', 'ip', 'link', 'set', `${end}0`, 'master', 'br0', 'up');
      await this.#in(end, 'ip', 'link', 'set', 'eth0', 'up');
    }
    await this.#in('box', 'ip', 'link', 'set', 'br0', 'up');
    for (const end of ['lan', 'wan'] as const) {
      const sender = spawn('ip', ['netns', 'exec', this.#space(end), process.execPath, SENDER, 'eth0'], {
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      this.#senders.set(end, sender);
    }
  }

  async close(): Promise<void> {
    for (const sender of this.#senders.values()) sender.stdin.end();
    for (const name of ['lan', 'box', 'wan'])
      await run('ip', ['netns', 'del', this.#space(name)]).catch(() => undefined);
    if (this.#directory !== '') await rm(this.#directory, { recursive: true, force: true });
  }

  async load(ruleset: string): Promise<void> {
    const path = join(this.#directory, 'ruleset.nft');
    await writeFile(path, ruleset);
    await this.#in('box', 'nft', '-f', path);
  }

  /** Empties the sets that rules fill from frames. */
  async forget(): Promise<void> {
    for (const { name } of RECENT_PEER_SETS)
      await this.#in('box', 'nft', 'flush', 'set', 'bridge', 'leakguard', name);
  }

  /** `nft -j list table` as it is. */
  async listing(): Promise<unknown> {
    return JSON.parse(await this.#in('box', 'nft', '-j', 'list', 'table', 'bridge', 'leakguard')) as unknown;
  }

  async counters(): Promise<ReadonlyMap<string, number>> {
    const text = await this.#in('box', 'nft', '-j', 'list', 'counters', 'table', 'bridge', 'leakguard');
    const entries = (JSON.parse(text) as { nftables: { counter?: { name: string; packets: number } }[] })
      .nftables;
    return new Map(
      entries.flatMap(({ counter }) =>
        counter === undefined ? [] : [[counter.name, counter.packets] as const],
      ),
    );
  }

  /** Sends the frames from one end; resolves when the link has them. */
  async send(from: End, frames: readonly Uint8Array[]): Promise<void> {
    const sender = this.#senders.get(from);
    if (sender === undefined) throw new Error('the wire is closed');
    let left = frames.length;
    if (left === 0) return;
    await new Promise<void>((resolve, reject) => {
      const onData = (chunk: Buffer): void => {
        left -= chunk.length;
        if (left > 0) return;
        sender.stdout.off('data', onData);
        sender.off('exit', onExit);
        resolve();
      };
      const onExit = (): void => reject(new Error(`the sender has gone: ${String(sender.stderr.read())}`));
      sender.stdout.on('data', onData);
      sender.on('exit', onExit);
      for (const frame of frames) {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(frame.length);
        sender.stdin.write(length);
        sender.stdin.write(frame);
      }
    });
  }

  /**
   * What arrives at the other end of frames sent by `act`, in hexadecimal. The marker that ends the capture is put
   * on the bridge's own port, behind all of them, by the other namespace's end itself.
   */
  async arrivals(at: End, act: () => Promise<void>): Promise<readonly string[]> {
    const path = join(this.#directory, 'arrivals.pcap');
    const args = [
      'netns',
      'exec',
      this.#space(at),
      'tcpdump',
      '-i',
      'eth0',
      '-Q',
      'in',
      '-U',
      '-s',
      '0',
      '-B',
      '65536',
      '-w',
      path,
    ];
    const tcpdump = spawn('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    await new Promise<void>((resolve, reject) => {
      tcpdump.stderr.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('listening on')) resolve();
      });
      tcpdump.once('exit', () => reject(new Error('tcpdump has gone')));
    });
    await act();
    await this.#mark(at);
    for (;;) {
      const frames = framesOf(await readFile(path));
      const end = frames.findIndex((frame) => frame.readUInt16BE(12) === END);
      if (end < 0) continue;
      tcpdump.kill('SIGINT');
      return frames.slice(0, end).map((frame) => frame.toString('hex'));
    }
  }

  /** The box itself sends the marker out of its port: it comes behind every frame that the bridge has let through. */
  async #mark(at: End): Promise<void> {
    const frame = `Buffer.concat([Buffer.alloc(6, 255), Buffer.from('020000000099', 'hex'), Buffer.from('${END.toString(16)}', 'hex'), Buffer.alloc(46)])`;
    const cap = JSON.stringify(createRequire(import.meta.url).resolve('cap'));
    const script = `const { Cap } = require(${cap}); const c = new Cap(); c.open('${at}0', 'ether proto 0xffff', 65536, Buffer.alloc(65536)); const f = ${frame}; c.send(f, f.length); process.exit(0);`;
    await this.#in('box', process.execPath, '-e', script);
  }

  /** Runs a command in the box; gives what it prints, rejects when it fails. */
  inBox(command: string, ...args: string[]): Promise<string> {
    return this.#in('box', command, ...args);
  }

  /** The same at one end. */
  atEnd(end: End, command: string, ...args: string[]): Promise<string> {
    return this.#in(end, command, ...args);
  }

  async #in(name: string, command: string, ...args: string[]): Promise<string> {
    const { stdout } = await run('ip', ['netns', 'exec', this.#space(name), command, ...args], {
      maxBuffer: 64_000_000,
    });
    return stdout;
  }

  #space(name: string): string {
    return `lgd${this.#id}${name}`;
  }
}

/** Frames of a pcap file in this machine's byte order; what is not whole yet is left out. */
function framesOf(file: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let at = 24;
  while (at + 16 <= file.length) {
    const length = file.readUInt32LE(at + 8);
    if (at + 16 + length > file.length) break;
    frames.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return frames;
}
