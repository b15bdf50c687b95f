// What each interval of the timeline shows. Holds src/guard/history/timeline.ts to: the worst that was true in it.

import { describe, expect, it } from 'vitest';
import { NO_TALLY, timelineOf } from '../../../src/guard/history/timeline.ts';
import type { StateChange } from '../../../src/guard/history/timeline.ts';

const change = (at: number, told: Partial<StateChange>): StateChange => ({
  ...{ at, state: 'clear', tunnel: 'up', blockMode: false, pass: false },
  ...told,
});
const range = { from: 0, to: 4_000, buckets: 4 };

describe('the timeline', () => {
  it('shows the worst state of each interval, and what held before it', () => {
    const changes = [
      change(-500, {}),
      change(1_200, { state: 'leaking', tunnel: 'down' }),
      change(1_300, { state: 'blocked', blockMode: true }),
      change(3_000, { state: 'off', tunnel: 'none', blockMode: true }),
    ];
    const { buckets } = timelineOf(range, changes, [], 9_000);
    expect(buckets.map(({ state, tunnel, block }) => `${state} ${tunnel} ${block}`)).toEqual([
      'clear up off',
      'leaking down changed',
      'blocked up on',
      'off none on',
    ]);
  });

  it('takes time that nobody is known to have watched, and time to come, for off', () => {
    const { buckets } = timelineOf(range, [change(1_000, {})], [], 2_500);
    expect(buckets.map(({ state }) => state)).toEqual(['off', 'clear', 'clear', 'off']);
  });

  it('counts each tally once, also at the edges', () => {
    const tallies = [0, 999, 1_000, 3_999].map((at) => ({ ...NO_TALLY, at, redEscaped: 1 }));
    const { buckets } = timelineOf(range, [], tallies, 9_000);
    expect(buckets.map(({ redEscaped }) => redEscaped)).toEqual([2, 1, 0, 1]);
  });
});
