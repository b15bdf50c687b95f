// What counts as a clock that was set.

import { expect, it } from 'vitest';
import { WallClock, clockJumpText } from '../../../appliance/history/wall-clock.ts';

const YEAR = 31_536_000_000;
const AT = Date.parse('2026-03-01T12:00:00Z');

it('takes a jump in either direction for one, and a nudge for none', () => {
  const clock = new WallClock();
  expect(clock.look({ wall: AT, monotonic: 0 })).toBeUndefined();
  expect(clock.look({ wall: AT + 60_100, monotonic: 60_000 })).toBeUndefined();
  const ahead = clock.look({ wall: AT + YEAR, monotonic: 61_000 });
  expect(ahead).toEqual({ from: AT + 61_100, to: AT + YEAR });
  expect(clock.look({ wall: AT + YEAR + 100, monotonic: 61_100 })).toBeUndefined();
  expect(clock.look({ wall: AT + 62_000, monotonic: 62_000 })).toEqual({
    from: AT + YEAR + 1_000,
    to: AT + 62_000,
  });
  expect(clockJumpText({ from: AT, to: AT + YEAR })).toContain(
    'from 2026-03-01T12:00:00.000Z to 2027-03-01T12:00:00.000Z',
  );
});
