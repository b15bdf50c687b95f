// Checks that a frame which one tap tells of late, and without the name that the other had, is in the book once, by its name. Holds
// src/guard/account/given-up.ts and its use in src/guard/incidents/incidents.ts.

import { describe, expect, it } from 'vitest';
import { AssumedFates } from '../../../src/guard/account/given-up.ts';
import type { Slice } from '../../../src/guard/account/account.ts';
import { Guard } from '../../../src/guard/guard.ts';
import { HOME, leak, observation, report } from '../samples.ts';

const slice = (at: number, frames: number, counter = 'up_leak_dns'): Slice => ({
  ...{ first: at, last: at, frames, crosses: false, counter },
});
const READING = { now: 1_000, lanRead: 1_000, wanRead: -Infinity, wanSince: Infinity, dropped: () => true };

describe('what was given up', () => {
  function found(of: AssumedFates<string>, near: Slice, skew = 5): [string, number][] {
    const all: [string, number][] = [];
    of.find(
      near,
      () => skew,
      (whose, _fate, most) => {
        all.push([whose, most]);
        return most;
      },
    );
    return all;
  }

  it.each<[string, Slice, [string, number][]]>([
    ['of its time', slice(100, 1), [['a', 1]]],
    ['as much as there is', slice(102, 5), [['a', 2]]],
    ['of no other time', slice(106, 1), []],
    ['of no other counter', slice(100, 1, 'up_leak_tls'), []],
  ])('is found: %s', (_what, near, expected) => {
    const givenUp = new AssumedFates<string>();
    givenUp.add('a', slice(100, 2), 'blocked');
    expect(found(givenUp, near)).toEqual(expected);
  });

  it('is found once', () => {
    const givenUp = new AssumedFates<string>();
    givenUp.add('a', slice(100, 1), 'escaped');
    givenUp.add('b', slice(101, 1), 'escaped');
    expect([
      found(givenUp, slice(100, 1)),
      found(givenUp, slice(100, 1)),
      found(givenUp, slice(100, 1)),
    ]).toEqual([[['a', 1]], [['b', 1]], []]);
  });

  it('goes with what it was folded into', () => {
    const givenUp = new AssumedFates<string>();
    givenUp.add('a', slice(100, 1), 'escaped');
    givenUp.move('a', 'b');
    expect(found(givenUp, slice(100, 1))).toEqual([['b', 1]]);
  });

  it.each([
    ['waits while the wan tap is behind', { wanRead: 90 }, 1],
    ['waits while the lan tap is', { wanRead: 1_000, lanRead: 90 }, 1],
    ['is forgotten when both have read past it', { wanRead: 1_000 }, 0],
    ['is forgotten when a tap has been behind for long', { wanRead: 90, now: 3_100 }, 0],
  ])('%s', (_what, sight, count) => {
    const givenUp = new AssumedFates<string>();
    givenUp.add('a', slice(100, 1), 'escaped');
    givenUp.settle({ ...READING, ...sight }, 5);
    expect(found(givenUp, slice(100, 1))).toHaveLength(count);
  });

  it('is bounded: the oldest gives way', () => {
    const givenUp = new AssumedFates<string>();
    givenUp.add('first', slice(100, 1), 'escaped');
    for (let one = 0; one < 1_024; one += 1) givenUp.add('flood', slice(5_000, 1), 'escaped');
    expect(found(givenUp, slice(100, 1))).toEqual([]);
  });
});

describe('a frame that wan tells of late', () => {
  const rows = [true, false].flatMap((blocking) =>
    (['lan', 'wan', 'neither'] as const).map((folded) => ({ blocking, folded })),
  );
  it.each(rows)(
    'block mode $blocking, without a name from $folded: once, by its name',
    ({ blocking, folded }) => {
      const clock = { ms: 1_000 };
      const guard = new Guard(HOME, {
        now: () => ({ wall: 1.7e12 + clock.ms, monotonic: clock.ms }),
        version: '0',
        idPrefix: 't',
      });
      guard.tap('lan', 'up', '');
      guard.tap('wan', 'up', '');
      guard.setBlockMode(blocking, blocking, 0);
      const tell = (port: 'lan' | 'wan', at?: number): void => {
        const one = observation({
          verdict: leak('bank.example'),
          folded: port === folded,
          at: at ?? 0,
        });
        guard.report(report(port, at === undefined ? [] : [one], { at: clock.ms, drained: true }));
        guard.tick();
      };
      tell('wan');
      clock.ms = 1_010;
      tell('lan', 1_005);
      for (clock.ms = 1_500; clock.ms < 1_700; clock.ms += 100) tell('lan');
      expect(guard.status().ledger).toMatchObject({ attempted: 1, [blocking ? 'blocked' : 'escaped']: 1 });
      tell('wan', 1_005);
      for (clock.ms = 1_800; clock.ms < 2_000; clock.ms += 100)
        for (const port of ['lan', 'wan'] as const) tell(port);
      expect(guard.status().ledger).toMatchObject({ attempted: 1, escaped: 1, blocked: 0 });
      const left = guard.incidents().filter(({ attempted, escaped }) => attempted + escaped > 0);
      expect(left).toMatchObject([{ exposure: 'bank.example', attempted: 1, escaped: 1, blocked: 0 }]);
    },
  );
});
