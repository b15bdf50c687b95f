// The scenarios are data: what can be said of all of them is said here; that they hold is for test/netns.

import { describe, expect, it } from 'vitest';

import { scenarioNamed, SCENARIOS } from '../../../appliance/lab/scenarios.ts';

describe('the scenarios', () => {
  it('have names of their own', () => {
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
    expect(scenarioNamed('vanilla')?.steps.map(({ name }) => name)).toEqual([
      'tunnel up',
      'a DNS query inside the tunnel',
      'a web page inside the tunnel',
      'dig outside the tunnel, watch mode',
      'acknowledge',
      'block on',
      'dig outside the tunnel, block mode',
      'block off',
    ]);
    expect(scenarioNamed('none')).toBeUndefined();
  });

  it.each(SCENARIOS)('$name: the uplink looks on whenever it has a say', ({ steps }) => {
    const blind = steps.filter(
      ({ expect: expected, arrives, watch }) =>
        watch === undefined && (expected.is === 'leak' || arrives !== undefined),
    );
    expect(blind).toEqual([]);
  });

  it.each(SCENARIOS)('$name: the detector is shown to fire', ({ steps }) => {
    expect(steps.some(({ expect: expected }) => expected.is === 'leak')).toBe(true);
  });
});
