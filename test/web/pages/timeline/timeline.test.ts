// Which stretch of time an address asks for, and what is drawn of it.

import { describe, expect, it } from 'vitest';

import { NO_TALLY, timelineOf } from '../../../../src/guard/history/timeline.ts';
import type { StateChange, TallyAt } from '../../../../src/guard/history/timeline.ts';
import {
  addressOf,
  endOf,
  neighbour,
  rangeOf,
  SPANS,
} from '../../../../web/pages/timeline/timeline-range.ts';
import { timelineView } from '../../../../web/pages/timeline/timeline.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Somewhere within a minute. */
const NOW = Date.UTC(2026, 2, 1, 10, 5) + 12_345;
const asked = (query: string, now = NOW) => rangeOf(new URLSearchParams(query), now);

describe('a stretch of time', () => {
  it.each([
    ['hour', 60, 6],
    ['day', 144, 8],
    ['week', 168, 7],
    ['month', 180, 6],
  ] as const)('of a %s has %i whole intervals in %i columns, and now is in it', (span, buckets, columns) => {
    const range = asked(`span=${span}`);
    expect([range.buckets, range.buckets / range.perColumn]).toEqual([buckets, columns]);
    expect(range.to - range.from).toBe(SPANS[span]);
    expect(range.to).toBeGreaterThan(NOW);
    expect(range.from % MINUTE).toBe(0);
    expect(addressOf(range)).toBe(`?span=${span}`);
  });

  it.each(['', 'span=constructor', 'from=1&to=0', 'from=x&to=2', 'from=0&to=9999999999999', 'from=-1&to=5'])(
    'is the last day for "%s"',
    (query) => expect(asked(query).span).toBe('day'),
  );

  it('can be any other: whole intervals, whole columns, never more than fit', () => {
    for (let minutes = 1; minutes < 31 * 1440; minutes = Math.ceil(minutes * 1.3)) {
      const range = asked(`from=${NOW - minutes * MINUTE}&to=${NOW}`);
      expect(range.span).toBeUndefined();
      const width = (range.to - range.from) / range.buckets;
      expect(width % MINUTE, String(minutes)).toBe(0);
      expect(range.buckets % range.perColumn).toBe(0);
      expect(range.buckets / range.perColumn).toBeLessThanOrEqual(8);
      expect(range.buckets).toBeLessThanOrEqual(190);
      expect(range.from).toBeLessThanOrEqual(NOW - minutes * MINUTE);
    }
  });

  it.each(['hour', 'day', 'week', 'month'])('of a %s begins where watching began', (span) => {
    const range = asked(`span=${span}`);
    for (const minutes of [3, 15, 50]) {
      const begun = range.to - minutes * MINUTE;
      const end = endOf(range, begun);
      expect([end.to, end.span]).toEqual([range.to, range.span]);
      expect(end.from).toBeLessThanOrEqual(Math.min(begun, range.to - 10 * MINUTE));
      expect(end.from).toBeGreaterThan(range.to - 65 * MINUTE);
      expect(end.buckets).toBeLessThanOrEqual(190);
    }
  });

  it('has one before it, and one behind it unless that is to come', () => {
    const range = asked(`from=${NOW - 3 * HOUR}&to=${NOW - 2 * HOUR}`);
    const behind = neighbour(range, 'behind', NOW);
    expect(asked(behind?.slice(1) ?? '').from).toBe(range.to);
    expect(neighbour(range, 'before', NOW)).toContain(`to=${range.from}`);
    expect(neighbour(asked('span=day'), 'behind', NOW)).toBeUndefined();
  });
});

describe('the picture', () => {
  const range = asked('span=hour');
  const at = (minute: number): number => range.from + minute * MINUTE;
  const change = (minute: number, told: Partial<StateChange>): StateChange => ({
    ...{ at: at(minute), state: 'clear', tunnel: 'up', blockMode: false, pass: false },
    ...told,
  });
  const drawn = (changes: readonly StateChange[], tallies: readonly TallyAt[] = []) =>
    timelineView(timelineOf(range, changes, tallies, NOW), range);
  const path = (view: ReturnType<typeof drawn>, wanted: string) =>
    view.shapes.find(({ name }) => name === wanted)?.path;

  it('hatches what nobody watched, and draws nothing there', () => {
    const view = drawn([change(30, {})]);
    expect(path(view, 'unwatched')).toBe('M0 0h150v112H0z');
    expect(path(view, 'tunnel-up')).toBe('M150 70h150v10H150z');
    expect([view.unwatched, view.columns[0]?.words]).toEqual([true, ['not monitored']]);
    expect(view.columns[5]?.words).toEqual(['nothing outside the tunnel', 'tunnel up', 'block mode off']);
  });

  it('joins equal intervals to one band, and shows a switch inside one as changed', () => {
    const view = drawn([
      change(0, { blockMode: true }),
      change(10.5, { pass: true, blockMode: true }),
      change(12, { blockMode: false }),
      change(20.5, { blockMode: true, tunnel: 'down' }),
    ]);
    expect(path(view, 'block-on')?.match(/M/g)).toHaveLength(2);
    expect(path(view, 'block-changed')).toBe('M100 87h5v4H100z');
    expect(path(view, 'pass-open')).toBe('M50 98h10v10H50z');
    expect(path(view, 'tunnel-down')).toBe('M100 78h200v2H100z');
  });

  it('lets ticks rise for what got out and hang for what was stopped, higher for more and for worse', () => {
    const height = (told: Partial<TallyAt>, name: string): number => {
      const found = path(drawn([change(0, {})], [{ ...NO_TALLY, at: at(1), ...told }]), name);
      return Number(/^M[\d.]+ 44v(-?\d+)$/.exec(found ?? '')?.[1]);
    };
    expect(height({ redEscaped: 1 }, 'escaped')).toBe(-14);
    expect(height({ redEscaped: 100 }, 'escaped')).toBe(-30);
    expect(height({ redEscaped: 1e12 }, 'escaped')).toBe(-36);
    expect(height({ amberEscaped: 1 }, 'minor')).toBe(-8);
    expect(height({ redBlocked: 10 }, 'stopped')).toBe(12);
    expect(height({ amberBlocked: 10 }, 'stopped-minor')).toBe(7);
  });

  it('says in each column what was counted, and leads closer until there are incidents to see', () => {
    const tallies = [{ ...NO_TALLY, at: at(1), redEscaped: 2, unseen: 1 }];
    const view = drawn([change(0, {})], tallies);
    expect(view.columns[0]?.words.slice(0, 2)).toEqual(['2 frames got out', '1 frame not inspected']);
    expect(view.words).toEqual(['2 frames got out', '1 frame not inspected']);
    const next = asked(view.columns[0]?.path.replace(/^\/\?|#.*$/g, '') ?? '');
    expect([next.from, next.to]).toEqual([range.from, range.from + 10 * MINUTE]);
    const closest = timelineView(timelineOf(next, [], [], NOW), next);
    expect(closest.columns[0]?.path).toMatch(/^\/incidents\?since=2026-03-01T/);
  });
});
