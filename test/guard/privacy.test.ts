// Knows: how much of a telling each privacy setting leaves. Must not know: where it is written down.

import { describe, expect, test } from 'vitest';
import { HIDDEN, Veil } from '../../src/guard/privacy.ts';

const hash = (text: string): string => String(text.length).padStart(12, '0');
const told = {
  client: '02:00:00:00:00:0c',
  exposure: 'www.bank.example',
  destination: '203.0.113.53',
  why: 'DNS question for www.bank.example to 203.0.113.53',
};

test.each([
  ['www.bank.example', 'h-000000000016.example'],
  ['www.bank.co.uk', 'h-000000000014.co.uk'],
  ['annas-laptop', 'h-000000000012'],
  ['annas.laptop', 'h-000000000012'],
  ['co.uk', 'h-000000000005'],
  ['annas.local', 'h-000000000011.local'],
])('redacted writes %s as %s', (name, shown) => {
  const suffixOf = (one: string): string => (one.endsWith('.co.uk') ? 'co.uk' : '');
  expect(new Veil('redacted', hash, suffixOf).name(name)).toBe(shown);
});

describe('an incident', () => {
  test('is whole under full', () => {
    expect(new Veil('full', hash).incident('dns', 'A', told)).toEqual(told);
  });

  test('keeps nothing clear under redacted', () => {
    const left = new Veil('redacted', hash).incident('dns', 'A', told);
    expect(left.destination).toBe('203.0.113.0/24');
    expect(JSON.stringify(left)).not.toMatch(/bank|0c"|\.53/);
  });

  test('keeps its kind alone under minimal', () => {
    const veil = new Veil('minimal', hash);
    expect(veil.incident('dns', 'A', told)).toEqual({
      ...{ client: '', exposure: HIDDEN, destination: '', why: 'dns outside the tunnel, rule A' },
    });
    expect(veil.time(7_200_000 + 61_000)).toBe(7_200_000);
  });
});
