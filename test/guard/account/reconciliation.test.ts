// Which differences between the kernel's counters and a tap's own are told, and which are rules and judge that do not change in the same
// moment. Holds src/guard/account/reconciliation.ts.

import { describe, expect, it } from 'vitest';
import { Reconciliation } from '../../../src/guard/account/reconciliation.ts';
import type { Difference } from '../../../src/guard/account/reconciliation.ts';
import { report } from '../samples.ts';

/** Both counts of lan at one moment after another. */
function lan(): {
  change: () => void;
  at: (now: number, kernel: Record<string, number>, tap: Record<string, number>) => Difference | undefined;
} {
  const reconciliation = new Reconciliation();
  return {
    change: () => {
      reconciliation.change(0);
    },
    at: (now, kernel, tap) => {
      reconciliation.tap(report('lan', [], { at: now - 4, drained: true, counts: tap }));
      reconciliation.reading(now - 2, now - 1, new Map(Object.entries({ up_essential_arp: 0, ...kernel })));
      reconciliation.tap(report('lan', [], { at: now, drained: true, counts: tap }));
      return reconciliation.compare('lan', now, now);
    },
  };
}

const told = (found: Difference | undefined): unknown => ({
  unseen: Object.fromEntries(found?.unseen ?? []),
  surplus: found?.surplus.map(({ counter, frames }) => [counter, frames]),
});
const NOTHING = { unseen: {}, surplus: [] };

/** The kernel counts as a pass what the judge has for a leak already, and the other way round. */
const ENDS = [
  ['the kernel later than the judge', 'up_pass_tls', 'up_leak_tls'],
  ['the judge later than the kernel', 'up_leak_tls', 'up_pass_tls'],
] as const;

describe('what is open for a time', () => {
  it.each(ENDS)('ends in %s by a second and more: no frame is missing', (_which, kernel, tap) => {
    const { change, at } = lan();
    at(1_000, {}, {});
    for (let now = 1_100; now < 5_000; now += 100) expect(told(at(now, {}, {}))).toEqual(NOTHING);
    change();
    // Between the two ends nothing is on the wire for a while, and then something.
    expect(told(at(5_100, {}, {}))).toEqual(NOTHING);
    expect(told(at(5_300, {}, {}))).toEqual(NOTHING);
    expect(told(at(6_300, { [kernel]: 3 }, { [tap]: 3 }))).toEqual(NOTHING);
    for (let now = 6_500; now < 15_000; now += 500)
      expect(told(at(now, { [kernel]: 3 }, { [tap]: 3 }))).toEqual(NOTHING);
  });

  it.each(ENDS)('does not hide a frame that is missing meanwhile (%s)', (_which, kernel, tap) => {
    const { change, at } = lan();
    at(1_000, {}, {});
    change();
    at(1_100, {}, {});
    expect(told(at(1_500, { [kernel]: 3 }, { [tap]: 2 }))).toEqual({ unseen: { [kernel]: 1 }, surplus: [] });
    expect(told(at(1_900, { [kernel]: 3 }, { [tap]: 4 }))).toMatchObject({ surplus: [[tap, 2]] });
  });

  it.each(ENDS)('is told when nothing changed that could be why (%s)', (_which, kernel, tap) => {
    const { at } = lan();
    for (let now = 1_000; now < 5_000; now += 500) at(now, {}, {});
    const found = [];
    for (let now = 5_000; now < 12_000; now += 500) found.push(told(at(now, { [kernel]: 3 }, { [tap]: 3 })));
    expect(found.filter((one) => JSON.stringify(one) !== JSON.stringify(NOTHING))).toEqual([
      { unseen: { [kernel]: 3 }, surplus: [[tap, 3]] },
    ]);
  });
});

describe('what left while judge and rules learn', () => {
  /** Both counts of wan, while it goes by new orders. */
  const wan = (orders: number): ReturnType<typeof lan>['at'] => {
    const reconciliation = new Reconciliation();
    reconciliation.resume(new Map([['leak_out', 0]]));
    return (now, kernel, tap) => {
      if (now === 1_000) reconciliation.change(orders);
      reconciliation.tap(report('wan', [], { at: now - 4, drained: true, counts: tap, orders }));
      reconciliation.reading(now - 2, now - 1, new Map(Object.entries({ leak_out: 0, ...kernel })));
      reconciliation.tap(report('wan', [], { at: now, drained: true, counts: tap, orders }));
      return reconciliation.compare('wan', now, now);
    };
  };

  it.each([
    ['nothing of it', {}, 5],
    ['three as something else', { left_otherwise: 3 }, 2],
    ['more as something else', { left_otherwise: 9 }, 0],
    ['three as leaks', { leak_out: 3 }, 2],
  ])('is excused as far as the tap has seen it leave: %s', (_what, tap, unseen) => {
    const at = wan(1);
    expect(told(at(1_000, {}, {}))).toEqual(NOTHING);
    const expected = { unseen: unseen === 0 ? {} : { leak_out: unseen }, surplus: [] };
    expect(told(at(1_300, { leak_out: 5 }, tap))).toEqual(expected);
    // Once, and what comes then has to be seen in its turn.
    expect(told(at(1_600, { leak_out: 5 }, tap))).toEqual(NOTHING);
    expect(told(at(1_900, { leak_out: 15 }, tap))).not.toEqual(NOTHING);
  });
});

it('is excused, too, what left between the change of the rules and that of the judge', () => {
  const reconciliation = new Reconciliation();
  reconciliation.resume(new Map([['leak_out', 0]]));
  let orders = 1;
  const at = (now: number, leakOut: number, otherwise: number): ReturnType<typeof reconciliation.compare> => {
    const counts = { left_otherwise: otherwise };
    reconciliation.tap(report('wan', [], { at: now - 4, drained: true, counts, orders }));
    reconciliation.reading(now - 2, now - 1, new Map([['leak_out', leakOut]]));
    reconciliation.tap(report('wan', [], { at: now, drained: true, counts, orders }));
    return reconciliation.compare('wan', now, now);
  };
  reconciliation.change(orders);
  for (let now = 1_000; now < 5_000; now += 500) expect(told(at(now, 0, 7))).toEqual(NOTHING);
  // The kernel is told; one leaves and the tap says what it was; then the tap is told.
  reconciliation.change(orders);
  reconciliation.tap(report('wan', [], { at: 5_010, drained: true, counts: { left_otherwise: 8 }, orders }));
  orders = 2;
  reconciliation.change(orders);
  expect(told(at(5_500, 1, 8))).toEqual(NOTHING);
  expect(told(at(6_000, 2, 8))).not.toEqual(NOTHING);
});

it.each([
  ['the least alarming', { up_leak_dns: 1, up_leak_l2_other: 1 }, { up_leak_dns: 1 }],
  ['the one with fewest', { up_leak_dns: 300, up_leak_tls: 1 }, { up_leak_dns: 300 }],
])('a forged leak that nobody told of is taken for %s of what is missing', (_which, missing, unseen) => {
  const { at } = lan();
  at(1_000, {}, {});
  expect(told(at(1_500, { canary_lan: 1, ...missing }, {}))).toEqual({ unseen, surplus: [] });
});

describe('a leak in the form of the tunnel', () => {
  it.each(['up_tunnel_0', 'up_tunnel_fragment'])('is no surplus of the tap: %s', (name) => {
    const { at } = lan();
    at(1_000, {}, {});
    for (let now = 1_100; now < 5_000; now += 100) at(now, {}, {});
    for (let now = 5_000; now < 9_000; now += 100)
      expect(told(at(now, { [name]: 7 }, { [name]: 2 }))).toEqual(NOTHING);
  });

  it('does not hide one that no tap has seen', () => {
    const { at } = lan();
    at(1_000, {}, {});
    for (let now = 1_100; now < 5_000; now += 100) at(now, {}, {});
    expect(told(at(5_000, { up_leak_dns: 1 }, { up_tunnel_0: 1 }))).toEqual({
      unseen: { up_leak_dns: 1 },
      surplus: [],
    });
  });
});
