// Checks that the table finds what was put in and nothing else, for few and for ten thousand endpoints.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EndpointTable } from '../../../src/policy/servers/endpoint-table.ts';

const word = fc.integer({ min: 0, max: 0xffffffff });
const key = fc.record({
  ipVersion: fc.constantFrom(4, 6),
  words: fc.tuple(fc.constantFrom(0, 0x20010db8), fc.constant(0), fc.constantFrom(0, 0xffff), word),
  protocol: fc.constantFrom(6, 17, 50),
  port: fc.constantFrom(0, 53, 443, 51820, 65535),
});

describe('an endpoint table', () => {
  it('is a map of its keys', () => {
    const property = fc.property(
      fc.array(key, { maxLength: 200 }),
      fc.array(key, { maxLength: 50 }),
      (held, asked) => {
        const table = new EndpointTable(held.length);
        const model = new Map<string, number>();
        for (const [value, item] of held.entries()) {
          expect(
            table.add(item.ipVersion, Uint32Array.from(item.words), item.protocol, item.port, value),
          ).toBe(true);
          if (!model.has(JSON.stringify(item))) model.set(JSON.stringify(item), value);
        }
        expect(table.size).toBe(model.size);
        for (const item of [...held, ...asked]) {
          const found = table.find(item.ipVersion, Uint32Array.from(item.words), item.protocol, item.port);
          expect(found).toBe(model.get(JSON.stringify(item)) ?? -1);
        }
      },
    );
    fc.assert(property);
  });

  it('keeps ten thousand apart, and refuses what would make it slow', () => {
    const table = new EndpointTable(10_000);
    const address = (at: number): Uint32Array => Uint32Array.of(0, 0, 0xffff, 0x0a000000 + at);
    for (let at = 0; at < 10_000; at += 1) table.add(4, address(at), 17, 51820, at);
    for (let at = 0; at < 10_000; at += 1) expect(table.find(4, address(at), 17, 51820)).toBe(at);
    expect(table.find(4, address(10_000), 17, 51820)).toBe(-1);
    expect(table.find(6, address(5), 17, 51820)).toBe(-1);
    let added = table.size;
    while (added < 100_000 && table.add(4, address(added), 17, 51820, added)) added += 1;
    expect(added).toBeLessThan(20_000);
    expect(table.find(4, address(90_000), 17, 51820)).toBe(-1);
  });
});
