// What `leakguard analyze` says and with which code it ends. One object on stdout, everything else on stderr.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { analyzeCommand } from '../../../../appliance/cli/commands/analyze.ts';
import { jsonPieces } from '../../../../appliance/cli/json-pieces.ts';
import { ProgressBar } from '../../../../appliance/cli/progress.ts';
import type { AnalysisReport } from '../../../../src/analysis/analysis.ts';
import { PassThrough } from 'node:stream';
import * as made from '../../../policy/frames.ts';
import { clientHello } from '../../../policy/tls-hello.ts';
import { start } from '../command-run.ts';
import type { Ran } from '../command-run.ts';

const TUNNEL = 'udp:198.51.100.7:51820';
let directory = '';
let leaky = '';
let clean = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'leakguard-analyze-'));
  const tunnel = made.ethernet(
    0x0800,
    made.ipv4(17, made.udp(9, 51820, made.wireguard(4)), { to: '198.51.100.7' }),
  );
  const query = made.ethernet(0x0800, made.ipv4(17, made.udp(9, 53, made.dnsQuery('a.leak.example'))));
  leaky = file('leaky.pcap', [tunnel, query, tunnel]);
  clean = file('clean.pcap', [tunnel]);
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, frames: readonly Uint8Array[], cut = 0): string {
  const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex');
  const records = frames.flatMap((frame) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return [record, frame];
  });
  const bytes = Buffer.concat([header, ...records]);
  writeFileSync(join(directory, name), bytes.subarray(0, bytes.length - cut));
  return join(directory, name);
}

function analyze(...args: string[]): Promise<Ran> {
  return start([analyzeCommand], ['analyze', ...args]).ended;
}

describe('leakguard analyze', () => {
  test('--json gives one object and nothing else; leaks end with 1', async () => {
    const { code, out, err } = await analyze(leaky, '--tunnel', TUNNEL, '--json');
    expect([code, err]).toEqual([1, '']);
    const report = JSON.parse(out) as AnalysisReport;
    expect(report).toMatchObject({
      packets: 3,
      verdicts: { tunnel: 2, leak: 1 },
      names: [{ name: 'a.leak.example', via: 'dns', count: 1 }],
      tunnels: [{ endpoint: TUNNEL, packets: 2 }],
    });
    expect(out.split('\n')).toHaveLength(2);
  });

  test('no leak ends with 0 and says so in words', async () => {
    const { code, out } = await analyze(clean, '--tunnel', TUNNEL);
    expect(code).toBe(0);
    expect(out).toMatch(/^no leak in 1 frames/);
  });

  test('without a tunnel everything is a leak, and the text says what to give', async () => {
    const { code, out } = await analyze(clean);
    expect(code).toBe(1);
    expect(out).toContain('no tunnel is known');
  });

  test('--privacy hides names everywhere', async () => {
    for (const privacy of ['minimal', 'redacted']) {
      const { out } = await analyze(leaky, '--tunnel', TUNNEL, '--json', '--privacy', privacy);
      expect(out).not.toContain('a.leak');
      expect(out).toMatch(privacy === 'minimal' ? /\(hidden\)/ : /"h-[0-9a-f]{20}\.example"/);
    }
  });

  test('a cut capture is read as far as it goes, and stderr says so', async () => {
    const { code, out, err } = await analyze(
      file('cut.pcap', [made.ethernet(0x0806, made.arp(1)), made.ethernet(0x0806, made.arp(1))], 3),
      '--json',
    );
    expect(code).toBe(3);
    expect(err).toContain('is incomplete');
    expect((JSON.parse(out) as AnalysisReport).packets).toBe(1);
  });

  describe('an incomplete reading is no verdict', () => {
    const cases = [false, true].flatMap((leaks) =>
      Array.from({ length: 40 }, (_, missing) => [leaks, missing + 1] as const),
    );
    test.each(cases)('leaks %s, %d octets missing', async (leaks, missing) => {
      const bytes = readFileSync(leaks ? leaky : clean);
      const path = join(directory, 'incomplete.pcap');
      writeFileSync(path, bytes.subarray(0, bytes.length - missing));
      const json = await analyze(path, '--tunnel', TUNNEL, '--json');
      const text = await analyze(path, '--tunnel', TUNNEL);
      const report = JSON.parse(json.out) as Record<string, unknown>;
      expect(report).toMatchObject({ complete: false, lost: [{ what: 'truncated' }] });
      expect([json.code, text.code]).toEqual(leaks ? [1, 1] : [3, 3]);
      expect(text.out).toMatch(leaks ? /^LEAK: .*part of the capture could not be read/ : /^INCOMPLETE: /);
      expect(text.out).toContain('not read: ');
    });

    test('a whole one says so', async () => {
      const report = JSON.parse((await analyze(clean, '--tunnel', TUNNEL, '--json')).out) as unknown;
      expect(report).toMatchObject({ complete: true, lost: [], behind: [], answered: [] });
    });

    test('damage in the middle ends with 3 where nothing leaked before it', async () => {
      const bytes = Buffer.from(readFileSync(clean));
      const path = join(directory, 'damaged.pcap');
      writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(16, 0xff), bytes.subarray(24)]));
      const { code, out, err } = await analyze(path, '--tunnel', TUNNEL, '--json');
      expect(code).toBe(3);
      expect(err).toContain('is incomplete');
      expect(JSON.parse(out)).toMatchObject({ complete: false, lost: [{ what: 'damaged' }], packets: 1 });
    });
  });

  describe('an uplink that wraps every frame', () => {
    const wrapped = (frame: Uint8Array): Uint8Array =>
      Uint8Array.from([...frame.subarray(0, 12), 0x81, 0, 0, 7, ...frame.subarray(12)]);
    const tunnel = made.ethernet(
      0x0800,
      made.ipv4(17, made.udp(9, 51820, made.wireguard(4)), { to: '198.51.100.7' }),
    );

    test('is found, and can be named or denied', async () => {
      const path = file('vlan.pcap', [wrapped(tunnel), wrapped(tunnel)]);
      const verdict = async (...args: string[]): Promise<unknown[]> => {
        const { code, out } = await analyze(path, '--tunnel', TUNNEL, '--json', ...args);
        const { behind, verdicts } = JSON.parse(out) as { behind: string[]; verdicts: { tunnel: number } };
        return [code, behind, verdicts.tunnel];
      };
      expect(await verdict()).toEqual([0, ['vlan'], 2]);
      expect(await verdict('--behind', 'vlan')).toEqual([0, ['vlan'], 2]);
      expect(await verdict('--behind', 'none')).toEqual([1, [], 0]);
    });

    test('where one frame is bare it has to be named', async () => {
      const path = file('mixed.pcap', [wrapped(tunnel), tunnel]);
      expect((await analyze(path, '--tunnel', TUNNEL)).code).toBe(1);
      expect((await analyze(path, '--tunnel', TUNNEL, '--behind', 'vlan')).code).toBe(0);
    });

    test('nobody is behind anything else', async () => {
      expect((await analyze(clean, '--behind', 'mpls')).code).toBe(2);
    });
  });

  test('a link type that cannot be read is said, and its frames are leaks', async () => {
    const bytes = readFileSync(leaky);
    bytes.writeUInt32LE(189, 20);
    const other = join(directory, 'link.pcap');
    writeFileSync(other, bytes);
    const { code, err } = await analyze(other, '--json');
    expect([code, err]).toEqual([1, expect.stringContaining('link type 189')]);
  });

  test('--relays names who is Tor, by consensus or by address', async () => {
    const hello = made.tcp(9, 443, clientHello('www.visited.example', 'h2'));
    const capture = file('tor.pcap', [made.ethernet(0x0800, made.ipv4(6, hello, { to: '203.0.113.9' }))]);
    const list = join(directory, 'relays');
    for (const line of ['203.0.113.9:443', 'r nick AAAA BBBB 2026-01-01 00:00:00 203.0.113.9 443 0']) {
      writeFileSync(list, `# relays\n${line}\n`);
      const { out } = await analyze(capture, '--json', '--relays', list);
      expect((JSON.parse(out) as AnalysisReport).kinds).toEqual({ tor: 1 });
    }
    writeFileSync(list, 'nothing of the kind');
    expect(await analyze(capture, '--relays', list)).toMatchObject({ code: 2, out: '' });
    expect((JSON.parse((await analyze(capture, '--json')).out) as AnalysisReport).kinds).toEqual({ tls: 1 });
  });

  test.each([
    [['/nowhere/at/all.pcap'], 'no such file'],
    [[], 'No capture file'],
    [['x', 'y'], 'Unexpected argument "y"'],
    [['x', '--client', 'somebody'], 'is not a MAC address'],
    [['x', '--tunnel', 'here'], 'is not a valid endpoint'],
    [['x', '--relays', '/nowhere/relays'], 'cannot be read'],
    [['x', '--privacy', 'some'], 'full, redacted or minimal'],
    [['x', '--nonsense'], '--nonsense'],
  ])('%j: refused with 2 and words', async (args, words) => {
    const { code, out, err } = await analyze(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(words);
  });
});

test('JSON in pieces is the JSON of the whole', () => {
  const value = {
    a: 1,
    long: Array.from({ length: 5001 }, (_, at) => ({ at })),
    empty: [],
    n: null,
    o: { p: [1] },
  };
  expect([...jsonPieces(value)].join('')).toBe(JSON.stringify(value));
  expect([...jsonPieces({ ...value, long: value.long.values() })].join('')).toBe(JSON.stringify(value));
  expect([...jsonPieces({ two: value.long.slice(0, 4000) })].join('')).toBe(
    JSON.stringify({ two: value.long.slice(0, 4000) }),
  );
  expect([...jsonPieces({})].join('')).toBe('{}');
});

test('the progress bar wipes itself', () => {
  const out = new PassThrough();
  const bar = new ProgressBar(out);
  bar.show(0.5, 10);
  bar.show(1.5, 20);
  bar.clear();
  const text = String(out.read());
  expect(text).toContain(' 50 %  10 packets');
  expect(text).toMatch(/\r +\r$/);
});
