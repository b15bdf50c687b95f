// How captures come from files, gzip and streams.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CaptureFileError, readCapture } from '../../../appliance/capture-files/capture-file.ts';
import type { CaptureEnd } from '../../../appliance/capture-files/capture-file.ts';
import { maxUnpackedBytes, packingAt, unpack } from '../../../appliance/capture-files/unpacking.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'leakguard-captures-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Records of the given lengths, each filled with its number. */
function pcap(lengths: readonly number[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(1, 20);
  const records = lengths.map((length, number) => {
    const record = Buffer.alloc(16 + length, number & 255);
    record.writeUInt32LE(number, 0);
    record.writeUInt32LE(0, 4);
    record.writeUInt32LE(length, 8);
    record.writeUInt32LE(length, 12);
    return record;
  });
  return Buffer.concat([header, ...records]);
}

async function read(
  path: string,
  stdin: Readable = Readable.from([]),
  signal = new AbortController().signal,
): Promise<{ lengths: number[]; end: CaptureEnd; intact: boolean }> {
  const lengths: number[] = [];
  let intact = true;
  const sink = {
    packet(bytes: Uint8Array, start: number, end: number): void {
      const number = lengths.push(end - start) - 1;
      for (const at of [start, end - 1]) if (end > start && bytes[at] !== (number & 255)) intact = false;
    },
  };
  return {
    lengths,
    end: await readCapture(path, sink, { stdin, signal }),
    get intact() {
      return intact;
    },
  };
}

function file(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

/** More than two chunks, with records that lie across their borders. */
const MANY = Array.from({ length: 4000 }, (_, at) => 1000 + (at % 700));
/** A record longer than the room between chunks, and one longer than a chunk. */
const LONG = [10, 400_000, 20, 3_000_000, 30, ...MANY];

/** The dissector keeps what it needs of a frame with `slice`, which copies a Uint8Array but no Buffer. */
test.each(['file', 'stream', 'gzip'])(
  'what is kept of a record outlives what is read after it: %s',
  async (from) => {
    const lengths = Array.from({ length: 900 }, (_, at) => 200 + ((at * 7919) % 3000));
    const path = join(directory, `kept-${from}`);
    const capture = pcap(lengths);
    writeFileSync(path, from === 'gzip' ? gzipSync(capture) : capture);
    const kept: Uint8Array[] = [];
    const sink = {
      packet: (bytes: Uint8Array, start: number, end: number): void =>
        void kept.push(bytes.slice(start, end)),
    };
    const stdin = Readable.from([capture.subarray(0, 100_000), capture.subarray(100_000)]);
    const { signal } = new AbortController();
    await readCapture(from === 'stream' ? '-' : path, sink, { stdin, signal });
    expect(kept.map(({ length }) => length)).toEqual(lengths);
    expect(kept.filter((bytes, number) => bytes.some((byte) => byte !== (number & 255)))).toEqual([]);
  },
);

describe('every way in', () => {
  test.each([
    ['short', [1, 2, 3]],
    ['many chunks', MANY],
    ['long records', LONG],
    ['no record', []],
  ])('%s', async (_name, lengths) => {
    const bytes = pcap(lengths);
    const whole = {
      lengths,
      end: {
        ...{ fault: undefined, unreadBytes: undefined, aborted: false, passedOver: 0 },
        linkTypes: new Set([1]),
      },
      intact: true,
    };
    expect(await read(file('a.pcap', bytes))).toEqual(whole);
    expect(await read(file('a.pcap.gz', gzipSync(bytes, { level: 1 })))).toEqual(whole);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 50_001) pieces.push(bytes.subarray(at, at + 50_001));
    expect(await read('-', Readable.from(pieces, { objectMode: false }))).toEqual(whole);
    const packed = gzipSync(bytes, { level: 1 });
    expect(
      await read('-', Readable.from([packed.subarray(0, 2), packed.subarray(2)], { objectMode: false })),
    ).toEqual(whole);
  });
});

/** The programs that unpack what Node cannot; one that is missing here cannot be tried. */
const PACKERS = [
  ['gzip', ['gzip', '-c']],
  ['xz', ['xz', '-c']],
  ['zstd', ['zstd', '-c', '-q']],
  ['bzip2', ['bzip2', '-c']],
  ['lz4', ['lz4', '-c', '-q']],
] as const;
const THERE = PACKERS.filter(([, [program]]) => spawnSync(program, ['--version']).error === undefined);

describe.each(THERE)('packed with %s', (_name, [program, ...args]) => {
  const packed = (bytes: Buffer): Buffer => spawnSync(program, args, { input: bytes, maxBuffer: 1e8 }).stdout;

  test('it is read, also in two members, from a file and from a pipe that gives it in small pieces', async () => {
    const bytes = pcap(MANY);
    const twice = Buffer.concat([packed(bytes), packed(bytes.subarray(24))]);
    const { lengths, end } = await read(file('packed', twice));
    expect(lengths).toEqual([...MANY, ...MANY]);
    expect(end).toMatchObject({ fault: undefined, passedOver: 0 });
    const pieces = Array.from({ length: Math.ceil(twice.length / 5000) }, (_, at) =>
      twice.subarray(at * 5000, at * 5000 + 5000),
    );
    const first = pieces.shift() ?? Buffer.alloc(0);
    const small = [...first.subarray(0, 7)].map((octet) => Buffer.of(octet));
    const piped = Readable.from([...small, first.subarray(7), ...pieces], { objectMode: false });
    expect((await read('-', piped)).lengths).toEqual([...MANY, ...MANY]);
  });

  test('cut off it gives what could be unpacked, and says that it is cut', async () => {
    const whole = packed(pcap([...LONG, ...LONG]));
    for (const share of [0.5, 0.95]) {
      const { end } = await read(file('cut', whole.subarray(0, Math.floor(whole.length * share)))).catch(
        (error: unknown) => ({
          end: { fault: { code: error instanceof CaptureFileError ? 'truncated' : '' } },
        }),
      );
      expect(end.fault?.code).toBe('truncated');
    }
  });

  test('stopped in the middle its program is gone', async () => {
    const stopping = new AbortController();
    const path = file('stopped', packed(pcap(LONG)));
    const sink = {
      packet(): void {
        stopping.abort();
      },
    };
    const end = await readCapture(path, sink, { stdin: Readable.from([]), signal: stopping.signal });
    expect(end.aborted).toBe(true);
  });
});

test('what swells beyond measure is not unpacked to its end', async () => {
  const magic = gzipSync(Buffer.alloc(0));
  const packing = packingAt(magic, 0, magic.length);
  if (packing === undefined) throw new Error('gzip is not known');
  const bomb = gzipSync(Buffer.alloc(50_000_000), { level: 9 });
  const chunks = unpack(packing, Readable.from([bomb]), (taken) => 100 * taken);
  let given = 0;
  await expect(
    (async () => {
      for await (const chunk of chunks) given += chunk.length;
    })(),
  ).rejects.toMatchObject({ code: 'limit' });
  expect(given).toBeLessThanOrEqual(100 * bomb.length);
  expect(maxUnpackedBytes(0)).toBeGreaterThan(0);
});

describe('captures that were glued together', () => {
  const nano = pcap([7, 8]);
  nano.writeUInt32LE(0xa1b23c4d, 0);
  const swapped = Buffer.from(pcap([9]));
  for (const at of [0, 16, 20, 24, 28, 32, 36]) swapped.subarray(at, at + 4).reverse();
  for (const at of [4, 6]) swapped.subarray(at, at + 2).reverse();
  const blocks = Buffer.from(
    '0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000' +
      '0100000014000000010000000000000014000000' +
      '06000000240000000000000000000000000000000300000003000000010203002400'.concat('0000'),
    'hex',
  );
  const kinds = [
    ['pcap', pcap([1, 2]), [1, 2]],
    ['nanoseconds', nano, [7, 8]],
    ['the other byte order', swapped, [9]],
    ['pcapng', blocks, [3]],
  ] as const;
  const pairs = kinds.flatMap((one) => kinds.map((other) => [one, other] as const));

  test.each(pairs)('%o', async ([, a, first], [, b, second]) => {
    const glued = Buffer.concat([a, b, a]);
    const wanted = [...first, ...second, ...first];
    const { lengths, end } = await read(file('glued', glued));
    expect([lengths, end.fault]).toEqual([wanted, undefined]);
    for (const size of [1, 5, 23, 64]) {
      const pieces = Array.from({ length: Math.ceil(glued.length / size) }, (_, at) =>
        glued.subarray(at * size, at * size + size),
      );
      const piped = await read('-', Readable.from(pieces, { objectMode: false }));
      expect([piped.lengths, piped.end.fault]).toEqual([wanted, undefined]);
    }
  });
});

describe('damage', () => {
  test('a cut capture gives what is whole, and says how much is not', async () => {
    const bytes = pcap(MANY);
    const { lengths, end } = await read(file('cut.pcap', bytes.subarray(0, bytes.length - 5)));
    expect(lengths).toEqual(MANY.slice(0, -1));
    expect(end.fault?.code).toBe('truncated');
    expect(end.unreadBytes).toBe(16 + (MANY.at(-1) ?? 0) - 5);
  });

  test('cut gzip gives what could be unpacked', async () => {
    const packed = gzipSync(pcap(MANY), { level: 1 });
    const { lengths, end } = await read(file('cut.pcap.gz', packed.subarray(0, packed.length - 100)));
    expect(lengths.length).toBeGreaterThan(0);
    expect(end.fault?.code).toBe('truncated');
  });

  test('a record that cannot be stops the reading', async () => {
    const bytes = pcap([5, 6, 7]);
    bytes.writeUInt32LE(0xffffffff, 24 + 21 + 8);
    const { lengths, end } = await read(file('bad.pcap', bytes));
    expect([lengths, end.fault?.code]).toEqual([[5], 'damaged']);
  });
});

describe('nothing to read', () => {
  test.each([
    ['text', Buffer.from('this is no capture at all'), 'unknown-format'],
    ['nothing', Buffer.alloc(0), 'unknown-format'],
  ])('%s', async (name, bytes, code) => {
    await expect(read(file(name, bytes))).rejects.toMatchObject({ name: 'CaptureFileError', code });
  });

  test('no file', async () => {
    await expect(read(join(directory, 'nowhere'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(read(directory)).rejects.toBeInstanceOf(CaptureFileError);
  });
});

test('an abort ends the reading', async () => {
  const ending = new AbortController();
  ending.abort();
  const { end } = await read(file('b.pcap', pcap(MANY)), Readable.from([]), ending.signal);
  expect(end.aborted).toBe(true);
});

test('a fault in the sink is not taken for one of the file', async () => {
  const path = file('c.pcap', pcap([1]));
  const broken = {
    packet(): void {
      throw new TypeError('a defect');
    },
  };
  const options = { stdin: Readable.from([]), signal: new AbortController().signal };
  await expect(readCapture(path, broken, options)).rejects.toBeInstanceOf(TypeError);
});
