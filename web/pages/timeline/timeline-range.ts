// Which time range a URL selects, in which intervals, and the URLs of neighbouring ranges. Every range is bounded and consists of whole
// intervals, so that the daemon answers exactly what was requested.

import type { SpanName } from '../../texts-past.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** Lengths of the named ranges, milliseconds. */
export const SPANS: Readonly<Record<SpanName, number>> = {
  hour: 60 * MINUTE,
  day: DAY,
  week: 7 * DAY,
  month: 30 * DAY,
};

/** Possible lengths of an interval and of a column, minutes. */
const STEPS = [1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320, 7200];
/** Most intervals in a range. Ranges end on a multiple of the interval, so that the chart moves by whole intervals. */
const INTERVALS_MOST = 180;
/** Most columns: they are links, and must be wide enough to tap on a phone (WCAG 2.2, 2.5.8). */
const COLUMNS_MOST = 8;

/** A range [from, to) of whole intervals. */
export interface TimelineRange {
  /** Wall clock, milliseconds. */
  readonly from: number;
  readonly to: number;
  /** Number of intervals. */
  readonly buckets: number;
  /** Intervals per column; `buckets` is a multiple of it. */
  readonly perColumn: number;
  /** Undefined for a range chosen by zooming. */
  readonly span: SpanName | undefined;
}

/**
 * The range of `?span=` or `?from=&to=` (wall clock, milliseconds), widened to whole intervals; the last day for anything else, and for a
 * range shorter than a minute or longer than 31 days. `now`: wall clock, milliseconds; the current interval is included. Never throws.
 */
export function rangeOf(query: URLSearchParams, now: number): TimelineRange {
  const [from, to] = [query.get('from') ?? '', query.get('to') ?? ''];
  if (/^\d{1,15}$/.test(from) && /^\d{1,15}$/.test(to)) {
    const own = stretch(Number(from), Math.min(Number(to), now + DAY), undefined);
    if (own !== undefined) return own;
  }
  const wanted = query.get('span') ?? '';
  const span = isSpan(wanted) ? wanted : 'day';
  const step = stepFor(SPANS[span]);
  // The current interval is included.
  const end = Math.floor(now / step) * step + step;
  return stretch(end - SPANS[span], end, span) ?? { from: 0, to: DAY, buckets: 144, perColumn: 18, span };
}

/**
 * The end of this range from `begun` on (wall clock, milliseconds), at least its last ten minutes: a new box's first day is not shown as a day
 * that nobody watched.
 */
export function endOf(range: TimelineRange, begun: number): TimelineRange {
  return stretch(Math.min(begun, range.to - 10 * MINUTE), range.to, range.span) ?? range;
}

/** The query that selects this range, with its question mark: `?span=week` or `?from=…&to=…` in milliseconds. */
export function addressOf(range: Pick<TimelineRange, 'from' | 'to' | 'span'>): string {
  return range.span === undefined ? `?from=${range.from}&to=${range.to}` : `?span=${range.span}`;
}

/**
 * The query for the range of the same length before or after this one, as `addressOf` gives it; undefined if it is in the future or before
 * 1970. `now`: wall clock, milliseconds.
 */
export function neighbour(range: TimelineRange, side: 'before' | 'behind', now: number): string | undefined {
  const length = range.to - range.from;
  const shift = side === 'before' ? -length : length;
  if (range.from + shift < 0 || range.from + shift > now) return undefined;
  return addressOf({ from: range.from + shift, to: range.to + shift, span: undefined });
}

function stretch(from: number, to: number, span: SpanName | undefined): TimelineRange | undefined {
  if (to - from < MINUTE || to - from > 31 * DAY) return undefined;
  const step = stepFor(to - from);
  const end = Math.ceil(to / step) * step;
  const asked = Math.ceil((end - from) / step);
  const columns = STEPS.map((minutes) => (minutes * MINUTE) / step).filter((per) => Number.isInteger(per));
  const per =
    columns.find((count) => asked % count === 0 && asked / count <= COLUMNS_MOST) ??
    Math.ceil(asked / COLUMNS_MOST);
  const buckets = Math.ceil(asked / per) * per;
  return { from: end - buckets * step, to: end, buckets, perColumn: per, span };
}

function stepFor(length: number): number {
  const minutes = STEPS.find((step) => length / (step * MINUTE) <= INTERVALS_MOST) ?? 240;
  return minutes * MINUTE;
}

function isSpan(name: string): name is SpanName {
  return Object.hasOwn(SPANS, name);
}
