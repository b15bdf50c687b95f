// Renders the timeline, as part of the status page or alone.

import type { Timeline } from '../../../src/api/past.ts';
import { TIMELINE_TEXTS } from '../../texts-past.ts';
import type { Renderer } from '../../render.ts';
import { addressOf, neighbour } from './timeline-range.ts';
import type { TimelineRange } from './timeline-range.ts';
import { TIMELINE_HEIGHT, timelineView } from './timeline.ts';

const TWO_DAYS = 2 * 86_400_000;

/** The timeline as HTML; `timeline` is undefined if the daemon gave no answer, and the HTML then says so. `now`: wall clock, milliseconds. */
export function timelineRegion(
  renderer: Renderer,
  range: TimelineRange,
  timeline: Timeline | undefined,
  now: number,
): string {
  const view = timeline === undefined ? undefined : timelineView(timeline, range);
  const [since, until] = [range.from, range.to].map((wall) => new Date(wall).toISOString());
  return renderer.draw('timeline', {
    view,
    x: TIMELINE_TEXTS,
    height: TIMELINE_HEIGHT,
    span: range.span,
    address: addressOf(range),
    before: neighbour(range, 'before', now),
    behind: neighbour(range, 'behind', now),
    quiet: view?.unwatched === true ? TIMELINE_TEXTS.unproven : TIMELINE_TEXTS.quiet,
    incidents: `/incidents?${new URLSearchParams({ since: since ?? '', until: until ?? '' }).toString()}`,
    axis: range.to - range.from > TWO_DAYS ? 'day' : 'clock',
    clock,
    day,
    moment: (iso: string) => `${day(iso)} ${clock(iso)}`,
  });
}

/** `2026-03-01T10:05:00.000Z` → `10:05`. */
function clock(iso: string): string {
  return iso.slice(11, 16);
}

/** `2026-03-01T10:05:00.000Z` → `1 Mar`. */
function day(iso: string): string {
  return `${Number(iso.slice(8, 10))} ${TIMELINE_TEXTS.months[Number(iso.slice(5, 7)) - 1] ?? ''}`;
}
