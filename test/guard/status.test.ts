// Knows: what clients of the local API take for a status, an event or a text fit to show. Must not know: sockets.

import { describe, expect, it } from 'vitest';

import {
  GuardEventReader,
  printable,
  readApiError,
  readIncident,
  readJson,
  readStatus,
} from '../../src/guard/status.ts';
import { aStatus, anIncident } from '../guard-peer.ts';

describe('readStatus', () => {
  it('takes a whole status as it is', () => {
    const status = aStatus({ incidents: [anIncident()] });
    expect(readStatus(status)).toBe(status);
  });

  it('takes nothing with a field missing, of another type, or of another word', () => {
    const { health, ...rest } = aStatus();
    const bent = [
      ...[undefined, null, 7, 'clear', [], {}, rest, { ...rest, health: { ...health, taps: undefined } }],
      ...[
        aStatus({ state: 'fine' as never }),
        aStatus({ lamp: 'blue' as never }),
        aStatus({ why: 7 as never }),
      ],
      aStatus({ ledger: { attempted: -1, escaped: 0, blocked: 0, unseen: 0 } }),
      aStatus({ ledger: { attempted: Number.NaN, escaped: 0, blocked: 0, unseen: 0 } }),
      aStatus({ incidents: [{ ...anIncident(), escaped: '1' as never }] }),
      aStatus({ counters: { dns: 'many' as never } }),
      aStatus({ tunnels: [{ ...aStatus().tunnels[0], state: 'great' } as never] }),
    ];
    for (const value of bent) expect(readStatus(value), JSON.stringify(value)).toBeUndefined();
    expect(readIncident({ ...anIncident(), id: undefined })).toBeUndefined();
  });
});

describe('readApiError', () => {
  it('keeps the faults that are faults', () => {
    const fault = { path: 'on', message: 'm', remedy: 'r' };
    const error = { code: 'c', message: 'm', faults: [fault, 7, { path: 'x' }] };
    expect(readApiError({ error })).toEqual({ error: { ...error, faults: [fault] } });
    expect(readApiError({ error: { code: 'c', message: 'm' } })).toEqual({
      error: { code: 'c', message: 'm', faults: [] },
    });
    expect(readApiError({ error: 'no' })).toBeUndefined();
    expect(readJson('{')).toBeUndefined();
  });
});

describe('GuardEventReader', () => {
  const status = aStatus({ why: 'ü: a b' });
  const stream =
    `: hello\n\nevent: status\ndata: ${JSON.stringify(status)}\n\n` +
    `event: incident\r\ndata: ${JSON.stringify(anIncident())}\r\n\r\nevent: other\ndata: {}\n\nevent: status\ndata: {}\n\n`;
  const events = [
    { event: 'status', data: status },
    { event: 'incident', data: anIncident() },
  ];

  it('reads the same events however the text is cut', () => {
    for (const size of [1, 2, 3, 7, 64, stream.length]) {
      const reader = new GuardEventReader();
      const read = [];
      for (let at = 0; at < stream.length; at += size) read.push(...reader.push(stream.slice(at, at + size)));
      expect(read).toEqual(events);
    }
  });

  it('puts data of several lines together', () => {
    const text = JSON.stringify(status, undefined, 1)
      .split('\n')
      .map((line) => `data: ${line}\n`)
      .join('');
    expect(new GuardEventReader().push(`event: status\n${text}\n`)).toEqual(events.slice(0, 1));
  });

  it('breaks at a line without end, and stays broken', () => {
    const reader = new GuardEventReader(100);
    expect(reader.push(`data: ${'x'.repeat(101)}`)).toEqual([]);
    expect(reader.broken).toBe(true);
    expect(reader.push(`\n\n${stream}`)).toEqual([]);
    const lines = new GuardEventReader(100);
    lines.push('data: 0123456789\n'.repeat(20));
    expect(lines.broken).toBe(true);
  });
});

describe('printable', () => {
  it('shows what would move, hide or reorder text, and leaves the rest', () => {
    expect(printable('bücher.example ✔ 名前')).toBe('bücher.example ✔ 名前');
    expect(printable('\u001b[2J\u009b1m a\u202eb\u200b\u2028\ud800')).toBe(
      '\\u{1b}[2J\\u{9b}1m a\\u{202e}b\\u{200b}\\u{2028}\\u{d800}',
    );
    expect(printable({ a: ['x\n', 1, null, true], b: undefined })).toEqual({
      a: ['x\\u{a}', 1, null, true],
      b: undefined,
    });
  });
});
