// What clients of the local API take for a status, an event or a text fit to show.

import { describe, expect, it } from 'vitest';

import { GuardEventReader } from '../../src/api/events.ts';
import { depthOf, readJson } from '../../src/api/json.ts';
import { readRefusal } from '../../src/api/refusal.ts';
import { printable } from '../../src/api/shown.ts';
import { incident, status as statusSchema } from '../../src/api/status.ts';
import type { GuardEvent } from '../../src/api/status.ts';
import { aStatus, anIncident } from '../guard-peer.ts';

/** Reads pieces of a stream until it breaks. */
function read(
  pieces: readonly string[],
  limit = 4_194_304,
): { readonly events: GuardEvent[]; readonly whole: boolean } {
  const events: GuardEvent[] = [];
  const reader = new GuardEventReader(limit, (event) => events.push(event));
  const whole = pieces.map((piece) => reader.push(piece)).every(Boolean);
  return { events, whole };
}

describe('a status', () => {
  it('takes a whole status as it is', () => {
    const status = aStatus({ incidents: [anIncident()] });
    expect(statusSchema.parse(status)).toEqual(status);
    // A newer guard has more words and fields.
    const newer = { ...anIncident(), kind: 'novel' as never, more: 1 };
    expect(incident.safeParse(newer).success).toBe(true);
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
    for (const value of bent)
      expect(statusSchema.safeParse(value).success, JSON.stringify(value)).toBe(false);
    expect(incident.safeParse({ ...anIncident(), id: undefined }).success).toBe(false);
  });
});

describe('a refusal', () => {
  it('keeps the faults that are faults', () => {
    const fault = { path: 'on', message: 'm', remedy: 'r' };
    const error = { code: 'c', message: 'm', faults: [fault, 7, { path: 'x' }] };
    expect(readRefusal({ error })).toEqual({ ...error, faults: [fault] });
    expect(readRefusal({ error: { code: 'c', message: 'm' } })).toEqual({
      code: 'c',
      message: 'm',
      faults: [],
    });
    expect(readRefusal({ error: 'no' })).toBeUndefined();
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
      const pieces = stream.match(new RegExp(`[^]{1,${size}}`, 'gu')) ?? [];
      expect(read(pieces)).toEqual({ events, whole: true });
    }
  });

  it('puts data of several lines together', () => {
    const text = JSON.stringify(status, undefined, 1)
      .split('\n')
      .map((line) => `data: ${line}\n`)
      .join('');
    expect(read([`event: status\n${text}\n`]).events).toEqual(events.slice(0, 1));
  });

  it('breaks at a line without end, and stays broken', () => {
    expect(read([`data: ${'x'.repeat(101)}`, `\n\n${stream}`], 100)).toEqual({ events: [], whole: false });
    expect(read(['data: 0123456789\n'.repeat(20)], 100).whole).toBe(false);
  });
});

it('tells how deep a JSON text is, whatever stands in its texts', () => {
  expect(['7', '[{"a":[]}]', '{"[[[\\"[":[]}'].map((json) => depthOf(Buffer.from(json)))).toEqual([0, 3, 2]);
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
