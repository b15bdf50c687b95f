// Computes the picture of the timeline (bands, ticks and columns) and its texts. Nothing depends on colour: what got out is drawn above the
// line, what was stopped below it. Time without monitoring is hatched, not empty.

import type { Timeline, TimelineBucket } from '../../../src/api/past.ts';
import { TIMELINE_TEXTS } from '../../texts-past.ts';
import type { TimelineRange } from './timeline-range.ts';
import { grouped } from '../status/view-model.ts';

/** Height of the picture in its own units; the page stretches only the width. */
export const TIMELINE_HEIGHT = 112;
const UNIT = 5;
/** What got out is drawn above this line, what was stopped below it. */
const LINE = 44;
const ROWS = { tunnel: 70, block: 84, pass: 98 } as const;
const BAND = 10;
/** Columns up to this length link to the incidents of that time instead of zooming in. */
const SHORTEST_ZOOM_MS = 5 * 60_000;

/** One kind of mark, as the `d` of one SVG path. */
interface TimelineShape {
  readonly name: string;
  readonly path: string;
}

interface TimelineColumn {
  /** Link target. */
  readonly path: string;
  readonly zooms: boolean;
  /** ISO 8601, UTC. */
  readonly from: string;
  readonly to: string;
  readonly words: readonly string[];
}

/** The picture, in its own units, and what it says. */
export interface TimelineView {
  readonly width: number;
  readonly shapes: readonly TimelineShape[];
  readonly columns: readonly TimelineColumn[];
  /** The whole range in words. */
  readonly words: readonly string[];
  /** Part of the range was not monitored. */
  readonly unwatched: boolean;
  /** No frame was counted in it. */
  readonly quiet: boolean;
}

type Mark = (bucket: TimelineBucket, x: number) => string;

/** Marks drawn for single intervals. */
const TICKS: Readonly<Record<string, Mark>> = {
  escaped: ({ redEscaped }, x) => tick(x + 2, LINE, -height(redEscaped, 14, 8, 36)),
  minor: ({ amberEscaped }, x) => tick(x + 3.5, LINE, -height(amberEscaped, 8, 4, 20)),
  stopped: ({ redBlocked }, x) => tick(x + 2, LINE, height(redBlocked, 8, 4, 20)),
  'stopped-minor': ({ amberBlocked }, x) => tick(x + 3.5, LINE, height(amberBlocked, 5, 2, 11)),
  unseen: ({ unseen }, x) => (unseen > 0 ? `M${x + 1} 6h3` : ''),
};

type Band = (bucket: TimelineBucket) => boolean;

/** Bands drawn for as long as a condition holds: top, height, condition. */
const BANDS: Readonly<Record<string, readonly [top: number, height: number, holds: Band]>> = {
  unwatched: [0, TIMELINE_HEIGHT, isUnwatched],
  'tunnel-up': [ROWS.tunnel, BAND, ({ tunnel }) => tunnel === 'up'],
  'tunnel-quiet': [ROWS.tunnel + 3, BAND - 6, ({ tunnel }) => tunnel === 'quiet'],
  'tunnel-trying': [ROWS.tunnel + 3, BAND - 6, ({ tunnel }) => tunnel === 'trying'],
  'tunnel-down': [ROWS.tunnel + BAND - 2, 2, ({ tunnel }) => tunnel === 'down'],
  'block-on': [ROWS.block, BAND, ({ block }) => block === 'on'],
  'block-changed': [ROWS.block + 3, BAND - 6, ({ block }) => block === 'changed'],
  'pass-open': [ROWS.pass, BAND, ({ pass }) => pass],
};

/**
 * The picture of the daemon's answer for `range`: paths of SVG (`d`), without those that are empty, and one column for `perColumn`
 * intervals. Times are ISO 8601 in UTC, columns without their end.
 */
export function timelineView({ buckets }: Timeline, range: TimelineRange): TimelineView {
  const bands = Object.entries(BANDS).map(([name, [top, tall, holds]]) => ({
    name,
    path: runs(buckets, holds)
      .map(([start, end]) => `M${start * UNIT} ${top}h${(end - start) * UNIT}v${tall}H${start * UNIT}z`)
      .join(''),
  }));
  const ticks = Object.entries(TICKS).map(([name, mark]) => ({
    name,
    path: buckets.map((bucket, index) => mark(bucket, index * UNIT)).join(''),
  }));
  const columns = Array.from({ length: Math.ceil(buckets.length / range.perColumn) }, (_, index) =>
    columnOf(buckets.slice(index * range.perColumn, (index + 1) * range.perColumn), index, range),
  );
  return {
    width: buckets.length * UNIT,
    shapes: [...bands, ...ticks].filter(({ path }) => path !== ''),
    columns,
    words: countWords(buckets),
    unwatched: buckets.some(isUnwatched),
    quiet: countWords(buckets).length === 0,
  };
}

function columnOf(buckets: readonly TimelineBucket[], index: number, range: TimelineRange): TimelineColumn {
  const length = ((range.to - range.from) / range.buckets) * range.perColumn;
  const from = range.from + index * length;
  const to = from + length;
  const zooms = length > SHORTEST_ZOOM_MS;
  const iso = [from, to].map((wall) => new Date(wall).toISOString());
  const path = zooms
    ? `/?from=${from}&to=${to}#timeline`
    : `/incidents?since=${encodeURIComponent(iso[0] ?? '')}&until=${encodeURIComponent(iso[1] ?? '')}`;
  const counted = countWords(buckets);
  // Without monitoring, a count of zero means nothing.
  const none = buckets.every(isUnwatched) ? [] : [TIMELINE_TEXTS.nothing];
  const words = [...(counted.length === 0 ? none : counted), ...stateWords(buckets)];
  return { path, zooms, from: iso[0] ?? '', to: iso[1] ?? '', words };
}

/** `3 frames got out`, `1 frame stopped`, …; zeros are left out. */
function countWords(buckets: readonly TimelineBucket[]): readonly string[] {
  const names = ['redEscaped', 'amberEscaped', 'redBlocked', 'amberBlocked', 'unseen'] as const;
  return names.flatMap((name) => {
    const sum = buckets.reduce((total, bucket) => total + bucket[name], 0);
    const unit = sum === 1 ? TIMELINE_TEXTS.frame : TIMELINE_TEXTS.frames;
    return sum === 0 ? [] : [`${grouped(sum)} ${unit} ${TIMELINE_TEXTS[name]}`];
  });
}

/** Tunnel, block mode and pass: the worst state in these intervals. */
function stateWords(buckets: readonly TimelineBucket[]): readonly string[] {
  const watched = buckets.filter((bucket) => !isUnwatched(bucket));
  const any = (holds: Band): boolean => watched.some(holds);
  const tunnel = (['down', 'trying', 'quiet', 'up'] as const).find((state) =>
    any((bucket) => bucket.tunnel === state),
  );
  const blocks = new Set(watched.map(({ block }) => block));
  const block = blocks.size === 1 ? watched[0]?.block : blocks.size === 0 ? undefined : 'changed';
  return [
    ...(watched.length < buckets.length
      ? [watched.length === 0 ? TIMELINE_TEXTS.unwatched : TIMELINE_TEXTS.partlyUnwatched]
      : []),
    ...(tunnel === undefined ? [] : [TIMELINE_TEXTS.tunnel[tunnel]]),
    ...(block === undefined ? [] : [TIMELINE_TEXTS.block[block]]),
    ...(any(({ pass }) => pass) ? [TIMELINE_TEXTS.pass] : []),
  ];
}

function isUnwatched({ state }: TimelineBucket): boolean {
  return state === 'off' || state === 'blind' || state === 'starting';
}

/** Start (inclusive) and end (exclusive) of every run of buckets in which `holds` is true. */
function runs(
  buckets: readonly TimelineBucket[],
  holds: Band,
): readonly (readonly [start: number, end: number])[] {
  const found: [number, number][] = [];
  for (const [index, bucket] of buckets.entries()) {
    if (!holds(bucket)) continue;
    const last = found.at(-1);
    if (last?.[1] === index) last[1] = index + 1;
    else found.push([index, index + 1]);
  }
  return found;
}

/** Height of a tick, logarithmic: a single frame must be visible and a million must fit. 0 for none. */
function height(count: number, min: number, perDigit: number, max: number): number {
  return count === 0 ? 0 : Math.min(max, Math.round(min + perDigit * Math.log10(count)));
}

function tick(x: number, y: number, length: number): string {
  return length === 0 ? '' : `M${x} ${y}v${length}`;
}
