// Checks that a stream's octets come out once and in order. Follows RFC 9293 section 3.4; sequence numbers wrap.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Stream, StreamBudget } from '../../../src/flow/streams/stream.ts';
import { ascii } from '../../wire/hex.ts';

const TEXT = 'the quick brown fox jumps over the lazy dog, twice if it has to';

/** Reads all that a stream shows after a segment, keeping nothing. */
function take(stream: Stream, sequence: number, text: string): string {
  const bytes = ascii(text);
  let read = '';
  let more = stream.accept(sequence, bytes, 0, bytes.length);
  while (more) {
    read += String.fromCharCode(...stream.bytes.subarray(stream.start, stream.end));
    stream.keep(stream.end);
    more = stream.advance();
  }
  return read;
}

test('any order, repetition and overlap of segments gives the text once', () => {
  const cuts = fc.array(fc.tuple(fc.nat(TEXT.length - 1), fc.integer({ min: 1, max: 12 })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(cuts, fc.integer({ min: 0, max: 0xffffffff }), (extra, base) => {
      const budget = new StreamBudget(10_000);
      const stream = new Stream(budget);
      stream.synchronise(base);
      let read = '';
      const send = (at: number, length: number): void => {
        read += take(stream, (base + 1 + at) >>> 0, TEXT.slice(at, at + length));
      };
      for (const [at, length] of extra) send(at, length);
      for (let at = 0; at < TEXT.length; at += 5) send(at, 5);
      expect(read).toBe(TEXT);
      stream.release();
      expect(budget.used).toBe(0);
    }),
  );
});

describe('what is kept', () => {
  test('stands in front of what comes next', () => {
    const stream = new Stream(new StreamBudget(1000));
    const bytes = ascii('abcdef');
    stream.accept(10, bytes, 0, 4);
    stream.keep(2);
    stream.accept(14, bytes, 4, 6);
    expect(String.fromCharCode(...stream.bytes.subarray(stream.start, stream.end))).toBe('cdef');
  });

  test('is given up when the budget is spent, and that is counted', () => {
    const budget = new StreamBudget(3);
    const stream = new Stream(budget);
    stream.accept(1, ascii('abcdef'), 0, 6);
    stream.keep(1);
    expect([budget.used, budget.refused]).toEqual([0, 1]);
    stream.accept(7, ascii('gh'), 0, 2);
    expect(stream.end - stream.start).toBe(2);
  });
});

describe('a gap', () => {
  test('is skipped when the other side has acknowledged what is missing', () => {
    const stream = new Stream(new StreamBudget(1000));
    stream.synchronise(0);
    expect(stream.accept(11, ascii('later'), 0, 5)).toBe(false);
    expect(stream.isMissing(5)).toBe(false);
    expect(stream.isMissing(16)).toBe(true);
    expect(stream.skip()).toBe(true);
    expect(stream.broken).toBe(true);
    expect(String.fromCharCode(...stream.bytes.subarray(stream.start, stream.end))).toBe('later');
  });

  test('does not hold more than a fixed number of segments', () => {
    const budget = new StreamBudget(1_000_000);
    const stream = new Stream(budget);
    stream.synchronise(0);
    for (let at = 0; at < 1000; at += 1) {
      if (stream.accept(1000 + 2 * at, ascii('x'), 0, 1)) break;
    }
    expect(budget.used).toBeLessThanOrEqual(32);
  });
});

test('a held segment that comes again with more behind it gives all of it', () => {
  const budget = new StreamBudget(1000);
  const stream = new Stream(budget);
  stream.synchronise(0);
  expect(take(stream, 11, TEXT.slice(10, 20))).toBe('');
  expect(take(stream, 11, TEXT.slice(10))).toBe('');
  expect(take(stream, 11, TEXT.slice(10, 15))).toBe('');
  expect(take(stream, 1, TEXT.slice(0, 10))).toBe(TEXT);
  expect(budget.used).toBe(0);
});

test('who wants more is shown all of it again, and keeps what was made of it', () => {
  const stream = new Stream(new StreamBudget(1_000_000));
  stream.synchronise(0);
  const memo = {};
  for (let at = 0; at < 1_000; at += 1) {
    expect(stream.accept(at + 1, ascii('x'), 0, 1)).toBe(true);
    expect(stream.end - stream.start).toBe(at + 1);
    expect(stream.memo).toBe(at === 0 ? undefined : memo);
    stream.memo = memo;
    stream.keep(stream.start);
  }
  stream.accept(1_001, ascii('x'), 0, 1);
  stream.keep(stream.start + 1);
  expect(stream.memo).toBe(undefined);
});

test('what is kept bit by bit and read from the middle comes out once and in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 12 })), { maxLength: 60 }),
      (steps) => {
        const budget = new StreamBudget(10_000);
        const stream = new Stream(budget);
        stream.synchronise(0);
        const text = TEXT.repeat(9);
        let [sent, read] = [0, ''];
        for (const [length, most] of steps) {
          const piece = ascii(text.slice(sent, sent + length));
          if (stream.accept(sent + 1, piece, 0, piece.length)) {
            const to = Math.min(stream.end, stream.start + most);
            read += String.fromCharCode(...stream.bytes.subarray(stream.start, to));
            stream.keep(to);
          }
          sent += length;
          expect(budget.used).toBe(sent - read.length);
        }
        expect(text.startsWith(read)).toBe(true);
      },
    ),
  );
});
