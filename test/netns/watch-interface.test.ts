// `leakguard watch --iface` without a daemon, on a real wire:
//
//   near: eth0 (192.0.2.1) --veth-- peer0 (192.0.2.2) :far       near: eth1, down

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { run } from '../../appliance/lab/processes/process.ts';
import { programArgv } from '../../appliance/lab/processes/program.ts';

const [near, far] = [`lgwatch${process.pid}n`, `lgwatch${process.pid}f`];

const ip = (...args: string[]) => run(['ip', ...args]);

beforeAll(async () => {
  for (const space of [near, far]) await ip('netns', 'add', space);
  for (const index of [0, 1])
    await ip(
      '-n',
      near,
      'link',
      'add',
      `eth${index}`,
      'type',
      'veth',
      'peer',
      'name',
      `peer${index}`,
      'netns',
      far,
    );
  await ip('-n', near, 'addr', 'add', '192.0.2.1/24', 'dev', 'eth0');
  await ip('-n', far, 'addr', 'add', '192.0.2.2/24', 'dev', 'peer0');
  await ip('-n', near, 'link', 'set', 'eth0', 'up');
  await ip('-n', far, 'link', 'set', 'peer0', 'up');
});

afterAll(async () => {
  for (const space of [near, far]) await ip('netns', 'del', space);
});

/** `leakguard watch` in the near namespace, and what it has said so far. */
class Watch {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  out = '';
  err = '';

  constructor(...args: string[]) {
    const words = ['netns', 'exec', near, ...programArgv('cli/main', 'watch', ...args)];
    this.#child = spawn('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (this.out += chunk));
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (this.err += chunk));
    this.#closed = once(this.#child, 'close');
  }

  async said(stream: 'out' | 'err', text: string): Promise<void> {
    const source = stream === 'out' ? this.#child.stdout : this.#child.stderr;
    while (!this[stream].includes(text) && source !== null) await once(source, 'data');
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  async code(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }
}

const ping = () => ip('netns', 'exec', near, 'ping', '-c', '1', '-W', '2', '192.0.2.2');

it('tells a leak as it happens and sums up when interrupted', async () => {
  const watch = new Watch('--iface', 'eth0', '--follow', '--json', '--tunnel', 'udp:192.0.2.2:51820');
  await watch.said('err', 'listening on eth0');
  await ping();
  await watch.said('out', '"kind":"icmp"');
  watch.interrupt();
  expect(await watch.code()).toBe(1);
  const summary = JSON.parse(watch.out.trim().split('\n').at(-1) ?? '') as {
    event: string;
    data: { kinds: { icmp: number } };
  };
  expect(summary.event).toBe('summary');
  expect(summary.data.kinds.icmp).toBe(2);
});

it('names the process behind a leak of this machine, while its socket is open', async () => {
  const watch = new Watch('--iface', 'eth0', '--follow', '--json', '--tunnel', 'udp:192.0.2.2:51820');
  await watch.said('err', 'listening on eth0');
  // Nobody answers there: the question's socket stays open.
  const words = ['netns', 'exec', near, 'dig', '+tries=1', '+time=5', '@192.0.2.9', 'who.leak.example'];
  await ip('-n', near, 'neigh', 'replace', '192.0.2.9', 'lladdr', '02:00:00:00:00:09', 'dev', 'eth0');
  const dig = spawn('ip', words, { stdio: 'ignore' });
  await watch.said('out', 'who.leak.example');
  const news = watch.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { data: { exposure: string; process?: object } });
  // `ip netns exec` becomes the command it runs: the process is the one that was started here.
  expect(news.find(({ data }) => data.exposure === 'who.leak.example')?.data.process).toMatchObject({
    ...{ pid: dig.pid, confidence: 'high' },
  });
  dig.kill();
  watch.interrupt();
  expect(await watch.code()).toBe(1);
});

it('ends by itself when the time is up', async () => {
  const watch = new Watch('--iface', 'eth0', '--duration', '1s', '--summary-only');
  expect([0, 1]).toContain(await watch.code());
  expect(watch.out).toMatch(/leak/i);
});

it('keeps what it saw when the interface goes down', async () => {
  const watch = new Watch('--iface', 'eth0', '--follow', '--json');
  await watch.said('err', 'listening on eth0');
  await ping();
  await watch.said('out', '"kind":"icmp"');
  await ip('-n', near, 'link', 'set', 'eth0', 'down');
  expect(await watch.code()).toBe(1);
  expect(watch.err).toContain('the interface went down');
  expect(watch.out).toContain('"event":"summary"');
  await ip('-n', near, 'link', 'set', 'eth0', 'up');
});

it('says what can be listened on, and why not the rest', async () => {
  const watch = new Watch('--iface-diag', '--json');
  expect(await watch.code()).toBe(0);
  const { interfaces } = JSON.parse(watch.out) as {
    interfaces: { name: string; opens: boolean; why: string[] }[];
  };
  const told = new Map(interfaces.map((one) => [one.name, one]));
  expect(told.get('eth0')?.opens).toBe(true);
  expect(told.get('eth1')).toMatchObject({ opens: false, up: false });
  expect(told.get('eth1')?.why.join(' ')).toContain('the interface is down');
  expect(told.get('lo')?.opens).toBe(false);
});

it.each([
  [['--iface', 'eth9'], 'There is no interface eth9.'],
  [['--iface', 'eth1', '--duration', '1s'], 'eth1: the interface is down.'],
])('ends with 3 for %j', async (args, said) => {
  const watch = new Watch(...args);
  expect(await watch.code()).toBe(3);
  expect(watch.err).toContain(said);
});
