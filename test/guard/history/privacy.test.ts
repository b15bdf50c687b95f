// How much of a telling each privacy setting leaves.

import { describe, expect, test } from 'vitest';
import { HIDDEN, Redaction, isHashed } from '../../../src/guard/history/privacy.ts';

const hash = (text: string): string => String(text.length).padStart(20, '0');
const told = {
  client: '02:00:00:00:00:0c',
  exposure: 'www.bank.example',
  destination: '203.0.113.53',
  why: 'DNS question for www.bank.example to 203.0.113.53',
};

test.each([
  ['www.bank.example', 'h-00000000000000000016.example'],
  ['www.bank.co.uk', 'h-00000000000000000014.co.uk'],
  ['annas-laptop', 'h-00000000000000000012'],
  ['annas.laptop', 'h-00000000000000000012'],
  ['co.uk', 'h-00000000000000000005'],
  ['annas.local', 'h-00000000000000000011.local'],
])('redacted writes %s as %s', (name, shown) => {
  const suffixOf = (one: string): string => (one.endsWith('.co.uk') ? 'co.uk' : '');
  expect(new Redaction('redacted', hash, suffixOf).name(name)).toBe(shown);
});

test.each(['full', 'redacted', 'minimal'] as const)('%s hides what it has hidden no further', (privacy) => {
  const suffixOf = (one: string): string => (one.endsWith('.co.uk') ? 'co.uk' : '');
  const redaction = new Redaction(privacy, hash, suffixOf);
  for (const name of ['www.bank.example', 'www.bank.co.uk', 'annas-laptop'])
    expect([redaction.name(redaction.name(name)), redaction.exposure(redaction.name(name))]).toEqual([
      redaction.name(name),
      redaction.name(name),
    ]);
});

test.each([
  'h-00000000000000000016.bank.example',
  'h-00000000000000000016x.example',
  'www.h-00000000000000000016.example',
])('%s only looks like a hidden name, and is hidden', (name) =>
  expect(new Redaction('redacted', hash).name(name)).not.toBe(name),
);

test.each([
  ['h-0123456789abcdef0123', true],
  ['h-0123456789ab', true],
  ['h-0123456789abcdef', false],
  ['02:00:00:00:00:0c', false],
])('%s was hashed: %s', (identity, was) => expect(isHashed(identity)).toBe(was));

describe('an incident', () => {
  test('is whole under full', () => {
    expect(new Redaction('full', hash).incident('dns', 'A', told)).toEqual(told);
  });

  test('keeps nothing clear under redacted', () => {
    const left = new Redaction('redacted', hash).incident('dns', 'A', told);
    expect(left.destination).toBe('203.0.113.0/24');
    expect(JSON.stringify(left)).not.toMatch(/bank|0c"|\.53/);
  });

  test('keeps its kind alone under minimal', () => {
    const redaction = new Redaction('minimal', hash);
    expect(redaction.incident('dns', 'A', told)).toEqual({
      ...{ client: '', exposure: HIDDEN, destination: '', why: 'dns outside the tunnel, rule A' },
    });
    expect(redaction.time(7_200_000 + 61_000)).toBe(7_200_000);
  });
});
