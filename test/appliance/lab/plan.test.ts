// The names and addresses of a lab.

import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';

import { LabError } from '../../../appliance/lab/error.ts';
import { LAN, NET, planOf, TUNNEL } from '../../../appliance/lab/plan.ts';

describe('the plan of a lab', () => {
  it('has names of its own for every id, short enough for the kernel and a Unix socket', () => {
    const [one, other] = [planOf('abcdefgh'), planOf('0')];
    const namesOf = (plan: typeof one): string[] => [
      ...Object.values(plan.namespaces),
      ...Object.values(plan.wireguard),
      ...Object.values(plan.files),
    ];
    expect(namesOf(one).filter((name) => namesOf(other).includes(name))).toEqual([]);
    expect(Object.values(one.wireguard).filter((name) => name.length > 15)).toEqual([]);
    expect(one.files.api.length).toBeLessThan(108);
  });

  it.each(['', 'UP', 'a/b', '..', 'ninechars', 'a b'])('refuses the id "%s"', (id) => {
    expect(() => planOf(id)).toThrow(LabError);
  });

  it('uses no address twice, and only ranges that are nobody’s', () => {
    const addresses = [LAN, NET, TUNNEL].flatMap((group) => Object.values<string | number>(group));
    const literal = addresses.filter(
      (value): value is string => typeof value === 'string' && isIP(value) !== 0,
    );
    expect(new Set(literal).size).toBe(literal.length);
    const unassigned = /^(?:192\.168\.|10\.|198\.51\.100\.|203\.0\.113\.|fd|2001:db8:)/;
    expect(literal.filter((address) => !unassigned.test(address))).toEqual([]);
  });
});
