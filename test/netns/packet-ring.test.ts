// Our capture source on a real link: direction, order, completeness, tags, sizes, losses, and an interface that goes. Holds
// appliance/tap/packet-device.ts, block-walker.ts and packet-ring. The kernel's own counters, tcpdump and what each frame says of
// itself are the judges; what is sent and read is ring-program.mjs.
//
//   one namespace: v0 --veth-- v1, g0 --veth-- g1 of a second one

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { Namespace } from '../../appliance/lab/machines/namespace.ts';
import { run } from '../../appliance/lab/processes/process.ts';
import { compileFilter } from '../../src/policy/compile/bpf.ts';
import { TUNNEL_PROTOCOLS } from '../../src/flow/kinds.ts';
import { parsePolicy } from '../../src/policy/schema/schema.ts';
import { ANYWHERE, BARE, CHANGED, FULL, LEARNED, RANGES, SPLIT, STUB } from '../policy/policies.ts';
import { uniqueLabId } from './harness.ts';

const PROGRAM = fileURLToPath(new URL('./ring-program.mjs', import.meta.url));
const id = uniqueLabId();
const here = new Namespace(`lg${id}-ring`, id);
const there = new Namespace(`lg${id}-peer`, id);

beforeAll(async () => {
  await here.create();
  await there.create();
  await here.ip(`link add g0 type veth peer name g1 netns ${there.name}`, 'link set g0 up');
  await there.ip('link set g1 up');
});

afterAll(async () => {
  for (const { name } of [here, there]) await run(['ip', 'netns', 'del', name]);
});

beforeEach(async () => {
  await here.run(['ip', 'link', 'del', 'v0']);
  await here.ip('link add v0 type veth peer name v1');
  // The kernel itself says nothing on the link: its counters count our frames alone.
  for (const end of ['v0', 'v1']) await here.sysctl(`net/ipv6/conf/${end}/disable_ipv6`, '1');
  await here.ip('link set v0 mtu 65535 up', 'link set v1 mtu 65535 up');
});

async function told<Result>(...args: readonly string[]): Promise<Result> {
  const { stdout } = await here.must([process.execPath, PROGRAM, ...args], { timeoutMs: 120_000 });
  return JSON.parse(stdout) as Result;
}

const ALL = { count: 20_000, wrong: 0, inOrder: true };

describe('every frame', () => {
  it('is told once, in the direction it went, when it came: 20,000 each way at once', async () => {
    expect(await told('directions')).toEqual({
      ...{ out: ALL, in: ALL, others: 0, counted: [20_000, 20_000] },
      ...{ timesRise: true, timesPast: true, dropped: 0 },
    });
  });

  it('is told from the first after opening on', async () => {
    expect(await told('first')).toEqual({ missed: 0 });
  });

  it('is told across changes of the filter', async () => {
    expect(await told('swap')).toEqual({ out: ALL, in: ALL, swapped: true, dropped: 0 });
  });

  it('meets the filter that was set last before it', async () => {
    const { shown } = await told<{ shown: number[] }>('hides');
    const expected = Array.from({ length: 3_000 }, (_, number) => number).filter(
      (number) => number % 200 < 100,
    );
    expect(shown).toEqual(expected);
  });

  it('comes in the order of the wire, whichever way it goes, as tcpdump has it', async () => {
    const pcap = join(tmpdir(), `leakguard-order-${id}.pcap`);
    const pinned = ['taskset', '-c', '0', process.execPath, PROGRAM, 'order', pcap] as const;
    const { stdout } = await here.must(pinned, { timeoutMs: 60_000 });
    const { seen } = JSON.parse(stdout) as { seen: [number, number, boolean][] };
    expect(seen.map(([from, number]) => [from, number])).toEqual(ordersOf(pcap));
    expect(seen.every(([from, , outgoing]) => outgoing === (from === 1))).toBe(true);
    expect(new Set(seen.map(([from]) => from)).size).toBe(2);
    rmSync(pcap);
  });
});

/** Sender and number of each frame of a classic pcap file. */
function ordersOf(path: string): [number, number][] {
  const bytes = readFileSync(path);
  const found: [number, number][] = [];
  for (let at = 24; at + 16 <= bytes.length; at += 16 + bytes.readUInt32LE(at + 8))
    found.push([bytes.readUInt8(at + 16 + 14), bytes.readUInt32BE(at + 16 + 15)]);
  return found;
}

const MACS = '020000000002020000000001';
const TAGGED = {
  'priority tag': `${MACS}8100a00088b5${'11'.repeat(46)}`,
  'VLAN 5': `${MACS}8100000588b5${'22'.repeat(46)}`,
  'VLAN 4095, drop eligible': `${MACS}8100ffff0800${'33'.repeat(46)}`,
  'service tag': `${MACS}88a8001088b5${'44'.repeat(46)}`,
  'service and customer tag': `${MACS}88a800108100200588b5${'55'.repeat(42)}`,
  'two customer tags': `${MACS}81000001810000020800${'66'.repeat(42)}`,
  'two bytes behind the tag, the fewest that the kernel takes': `${MACS}8100000708000000`,
} as const;

describe('a VLAN tag', () => {
  it('is in the bytes, wherever the kernel keeps it, and fits the filter that asks for one', async () => {
    const texts = Object.values(TAGGED);
    const { seen } = await told<{ seen: unknown[] }>('tags', 'ether proto 0x9999 or vlan', ...texts);
    const expected = [true, false].flatMap((outgoing) =>
      texts.map((text) => ({ text, outgoing, whole: true })),
    );
    expect(seen).toEqual(expected);
  });

  it('that has crossed a bridge is in the bytes', async () => {
    const texts = Object.values(TAGGED);
    const { seen } = await told<{ seen: unknown[] }>('bridged', 'ether proto 0x9999 or vlan', ...texts);
    expect(seen).toEqual(texts.map((text) => ({ text, outgoing: true, whole: true })));
  });

  it('that is not there lets the filter hide the frame', async () => {
    expect(await told('tags', 'ether proto 0x9999 or vlan', `${MACS}88b5${'11'.repeat(46)}`)).toEqual({
      seen: [],
    });
  });
});

it('reads frames of every size, from a bare header to 64 kB, the first 16 kB of each at least', async () => {
  const sizes = [14, 15, 18, 19, 20, 42, 59, 60, 61, 1_514, 1_518, 9_014, 32_000, 65_000, 65_549];
  expect(await told('sizes', ...sizes.map(String))).toEqual({ wrong: [] });
});

it('reads what the kernel leaves to the card to cut, up to 64 kB at once', async () => {
  await here.ip('addr add 192.0.2.1/24 dev g0');
  await there.ip('addr add 192.0.2.2/24 dev g1');
  const server = `require('net').createServer((s) => { let n = 0; s.on('data', (d) => { n += d.length; }); s.on('end', () => { console.log('got ' + n); process.exit(0); }); }).listen(7777, () => console.log('ready'))`;
  const client = `require('net').connect(7777, '192.0.2.2', function () { this.end(Buffer.alloc(20_000_000)); })`;
  const sink = await there.start([process.execPath, '-e', server]);
  await sink.line(/ready/);
  const reader = await here.start([process.execPath, PROGRAM, 'segments', '7777']);
  await reader.line(/ready/);
  await here.must([process.execPath, '-e', client], { timeoutMs: 60_000 });
  await sink.line(/got 20000000/);
  process.kill(reader.pid, 'SIGTERM');
  const result = JSON.parse(await reader.line(/^\{/)) as Record<
    'bytes' | 'largest' | 'cut' | 'wrong' | 'dropped',
    number
  >;
  expect(result).toMatchObject({ cut: 0, wrong: 0, dropped: 0 });
  // More than was sent when something was sent twice.
  expect(result.bytes).toBeGreaterThanOrEqual(20_000_000);
  expect(result.largest).toBeGreaterThan(20_000);
});

describe('an interface that is lost', () => {
  it('ends the device with what was received, not the process, and can be opened again when it is back', async () => {
    expect(await told('down', 'down')).toEqual({
      end: 'v0 went down',
      in: { count: 1_000, wrong: 0, inOrder: true },
      refused: ['CaptureError NOT_UP: v0 is not up', 'CaptureError NOT_UP: v0 is not up'],
      silent: true,
      again: { count: 1, wrong: 0, inOrder: true },
    });
  });

  it('may be gone for good', async () => {
    const none = 'CaptureError NO_DEVICE: v0: no such interface';
    expect(await told('down', 'removed')).toEqual({
      end: 'v0 went down',
      in: { count: 1_000, wrong: 0, inOrder: true },
      refused: [none, none],
    });
  });
});

it('counts what it had no room for: received and dropped are sent', async () => {
  const result = await told<Record<'sent' | 'received' | 'dropped' | 'early', number> & { rising: boolean }>(
    'stall',
    '200000',
  );
  expect(result).toMatchObject({ sent: 200_000, rising: true, goesOn: true });
  expect(result.dropped).toBeGreaterThan(0);
  expect(result.dropped).toBe(result.early);
  expect(result.received + result.dropped).toBe(200_000);
});

it('takes the filter of every policy but those with all protocols at once, which hide nothing then', async () => {
  const policies = { FULL, BARE, STUB, SPLIT, RANGES, CHANGED, ANYWHERE };
  const filters = Object.entries(policies).map(([name, policy]) => [
    name,
    compileFilter(policy, 'wan', LEARNED),
  ]);
  const alone = TUNNEL_PROTOCOLS.flatMap((protocol) =>
    ['udp:198.51.100.7:4500', 'tcp:198.51.100.7:443', 'udp:[2001:db8::7]:4500'].map((endpoint) => {
      const tunnels = `tunnels: [{name: t, protocol: ${protocol}, endpoints: ["${endpoint}"]}]`;
      const read = parsePolicy(`version: 1\nbridge: {lan: lan0, wan: wan0}\n${tunnels}\n`);
      return [`${protocol} ${endpoint}`, read.ok ? compileFilter(read.policy, 'lan') : ''];
    }),
  );
  const file = join(tmpdir(), `leakguard-filters-${id}.json`);
  writeFileSync(file, JSON.stringify(Object.fromEntries([...filters, ...alone])));
  const { refused } = await told<{ refused: string[] }>('takes', file);
  expect(refused.filter((why) => !/^(?:FULL|STUB|SPLIT): .* and the kernel takes 4096$/.test(why))).toEqual(
    [],
  );
  rmSync(file);
});

it('refuses what it cannot do by a code, and goes on as before', async () => {
  expect(await told('refuses')).toEqual({
    faults: [
      'CaptureError FILTER_SYNTAX',
      'CaptureError FILTER_TOO_LONG',
      'CaptureError FILTER_SYNTAX',
      'CaptureError NO_DEVICE',
      'CaptureError SYSTEM',
      'CaptureError CLOSED',
      'CaptureError CLOSED',
    ],
    still: { count: 1, wrong: 0, inOrder: true },
  });
});

it('may be closed by its own listener', async () => {
  expect(await told('closes')).toEqual({ told: 1 });
});
