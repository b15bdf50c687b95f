// Which state and LED follow from which situation. Holds src/guard/state.ts to README.md, The light.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeSituation } from '../../src/guard/state.ts';
import type { Situation } from '../../src/guard/state.ts';

const CLEAR: Situation = {
  starting: false,
  blindness: [],
  blockMode: false,
  passOpen: false,
  tunnelsConfigured: 1,
  tunnelsUp: 1,
  breaches: 0,
  redEscapes: 0,
  redBlocked: 0,
  amberEscapes: 0,
  unseenEscapes: 0,
  unseenEscaped: 0,
  unseenStops: 0,
  unseenBlocked: 0,
};

const OLD = [{ name: 'fleet', listed: '2026-01-01' }];

const SITUATIONS = fc.record({
  starting: fc.boolean(),
  blindness: fc.array(fc.string(), { maxLength: 2 }),
  blockMode: fc.boolean(),
  passOpen: fc.boolean(),
  tunnelsConfigured: fc.nat(2),
  tunnelsUp: fc.nat(2),
  breaches: fc.nat(1),
  redEscapes: fc.nat(1),
  redBlocked: fc.nat(1),
  amberEscapes: fc.nat(1),
  unseenEscapes: fc.nat(1),
  unseenEscaped: fc.nat(1),
  unseenStops: fc.nat(1),
  unseenBlocked: fc.nat(1),
  unplugged: fc.subarray(['lan0', 'wan0']),
});

describe('judgeSituation', () => {
  it.each([
    ['all is well', {}, 'clear', 'green'],
    ['block mode is on', { blockMode: true }, 'clear', 'green'],
    ['only link-link-local discovery escaped', { amberEscapes: 1 }, 'clear', 'amber'],
    ['something escaped', { redEscapes: 1 }, 'leaking', 'red'],
    [
      'frames crossed that nobody read',
      { redEscapes: 1, unseenEscapes: 1, unseenEscaped: 3 },
      'leaking',
      'red',
    ],
    [
      'such frames, and block mode came after',
      { redEscapes: 1, unseenEscapes: 1, unseenEscaped: 3, blockMode: true },
      'leaking',
      'red',
    ],
    [
      'unread frames were dropped',
      { redBlocked: 1, unseenStops: 1, unseenBlocked: 3, blockMode: true },
      'blocked',
      'green-blip',
    ],
    ['attempts were stopped', { redBlocked: 1, blockMode: true }, 'blocked', 'green-blip'],
    [
      'attempts were stopped with no tunnel',
      { redBlocked: 1, tunnelsUp: 0, blockMode: true },
      'blocked',
      'amber',
    ],
    ['no tunnel was seen', { tunnelsUp: 0 }, 'idle', 'amber'],
    ['nobody answers the VPN', { tunnelsUp: 0, tunnelsTrying: 1 }, 'idle', 'amber'],
    ['the tunnel is quiet', { tunnelsUp: 1, tunnelsHeard: 0 }, 'clear', 'green'],
    ['no tunnel is known', { tunnelsConfigured: 0, tunnelsUp: 0, redEscapes: 9 }, 'setup', 'amber'],
    ['nothing is plugged in', { unplugged: ['lan0'] }, 'idle', 'amber'],
    [
      'nothing is plugged in, and attempts were stopped',
      { unplugged: ['lan0'], redBlocked: 1, blockMode: true },
      'blocked',
      'amber',
    ],
    [
      'nothing is plugged in, and something had escaped',
      { unplugged: ['lan0'], redEscapes: 1 },
      'leaking',
      'red',
    ],
    [
      'nothing is plugged in, and a tap is down',
      { unplugged: ['wan0'], blindness: ['x'] },
      'blind',
      'red-flash',
    ],
    ['a pass is open', { passOpen: true, blockMode: true }, 'pass', 'alternating'],
    ['a list of servers is old', { oldLists: OLD }, 'clear', 'amber'],
    ['a list is old, and something escaped', { oldLists: OLD, redEscapes: 1 }, 'leaking', 'red'],
    [
      'a list is old, and attempts were stopped',
      { oldLists: OLD, redBlocked: 1, blockMode: true },
      'blocked',
      'green-blip',
    ],
    ['a list is old, and no tunnel was seen', { oldLists: OLD, tunnelsUp: 0 }, 'idle', 'amber'],
    ['a tap is down', { blindness: ['x'] }, 'blind', 'red-flash'],
    ['a tap is down and something escaped', { blindness: ['x'], redEscapes: 1 }, 'blind', 'red-flash'],
    ['it starts', { starting: true, blindness: ['x'] }, 'starting', 'red'],
    ['a breach, whatever else', { breaches: 1, blindness: ['x'], starting: true }, 'breach', 'red-flash'],
  ] as const)('%s', (_case, change, state, lamp) => {
    expect(judgeSituation({ ...CLEAR, ...change })).toMatchObject({ state, lamp });
  });

  it('is changed by an old list in nothing but a green light, which is amber then', () => {
    fc.assert(
      fc.property(SITUATIONS, (s) => {
        const [plain, old] = [judgeSituation(s), judgeSituation({ ...s, oldLists: OLD })];
        if (plain.lamp !== 'green') expect(old).toEqual(plain);
        else expect(old).toMatchObject({ state: plain.state, lamp: 'amber' });
      }),
    );
  });

  it('says that nothing escapes only together with what the profile lets go direct, and is the same otherwise', () => {
    fc.assert(
      fc.property(SITUATIONS, fc.nat(1), fc.constantFrom([], OLD), (s, warnings, oldLists) => {
        const shut = { ...s, warnings, oldLists };
        const [plain, open] = [judgeSituation(shut), judgeSituation({ ...shut, goesDirect: true })];
        expect([open.state, open.lamp]).toEqual([plain.state, plain.lamp]);
        const claims = /nothing (?:that matters )?escape|carries everything/i;
        expect(claims.test(open.why)).toBe(claims.test(plain.why));
        if (claims.test(open.why)) expect(open.why).toContain('except what the profile allows to go direct');
        else expect(open.why).toBe(plain.why);
        expect(plain.why).not.toContain('direct');
      }),
    );
  });

  it('is green only when everything is verified, a tunnel is up and nothing red escaped', () => {
    fc.assert(
      fc.property(SITUATIONS, (s) => {
        if (!judgeSituation(s).lamp.startsWith('green')) return;
        expect(s).toMatchObject({
          starting: false,
          blindness: [],
          breaches: 0,
          redEscapes: 0,
          passOpen: false,
        });
        expect(s.tunnelsUp).toBeGreaterThan(0);
        expect(s.unseenEscaped).toBe(0);
        expect(s.unplugged).toEqual([]);
      }),
    );
  });
});

it.each([
  [{ tunnelsUp: 1, tunnelsHeard: 1 }, 'The tunnel is up and'],
  [{ tunnelsUp: 1, tunnelsHeard: 0 }, 'The tunnel is connected, quiet, and'],
  [{ tunnelsUp: 1, tunnelsHeard: 0, amberEscapes: 1 }, 'The tunnel is connected, quiet, and'],
  [{ tunnelsUp: 0, tunnelsTrying: 1 }, 'nothing comes back from its server'],
  [{ tunnelsUp: 0, tunnelsTrying: 0 }, 'No tunnel traffic was seen recently'],
] as const)('says what the tunnel does: %j', (change, words) => {
  expect(judgeSituation({ ...CLEAR, ...change }).why).toContain(words);
});
