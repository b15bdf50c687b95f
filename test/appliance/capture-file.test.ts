// Knows: how captures come from files, gzip and streams. Must not know: frames.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CaptureFileError, readCapture } from '../../appliance/capture-file.ts';
import type { CaptureEnd } from '../../appliance/capture-file.ts';

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
      end: { fault: undefined, aborted: false, linkTypes: new Set([1]) },
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

describe('damage', () => {
  test('a cut capture gives what is whole, and says how much is not', async () => {
    const bytes = pcap(MANY);
    const { lengths, end } = await read(file('cut.pcap', bytes.subarray(0, bytes.length - 5)));
    expect(lengths).toEqual(MANY.slice(0, -1));
    expect(end.fault?.code).toBe('truncated');
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
