// Knows: the shapes of what the local API answers about the past, and how a client checks them. Must not know: how the
// answers come about, where the past is kept. HTTP and JSON are the daemon's.

import type { FrameLayer } from '../flow/frame-layer.ts';
import { count, each, fields, flag, oneOf, text } from './shapes.ts';
import type { Shape } from './shapes.ts';
import { STATES } from './status.ts';
import type { Timeline } from './timeline.ts';

export type { FrameLayer } from '../flow/frame-layer.ts';
export type { Timeline, TimelineBucket } from './timeline.ts';

/** One kept frame of an incident. */
export interface FrameAnswer {
  readonly port: 'lan' | 'wan';
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Bytes on the wire; `hex` may hold fewer. */
  readonly length: number;
  /** Two lower-case digits a byte. */
  readonly hex: string;
  readonly layers: readonly FrameLayer[];
}

/** GET /v1/incidents/:id/frames. Without frames, `privacy` may say why. */
export interface FramesAnswer {
  readonly privacy: string;
  readonly frames: readonly FrameAnswer[];
}

/** Deeper than any tree the guard makes. */
const LAYERS_DEEP = 32;

const layer =
  (depth: number): Shape =>
  (value) =>
    depth > 0 &&
    fields({ label: text, value: text, start: count, end: count, parts: each(layer(depth - 1)) })(value);

const framesShape = fields({
  privacy: text,
  frames: each(
    fields({
      ...{ port: oneOf(['lan', 'wan']), at: text, length: count, layers: each(layer(LAYERS_DEEP)) },
      hex: (value) => typeof value === 'string' && /^(?:[0-9a-f]{2})*$/.test(value),
    }),
  ),
});

/** The value if every field is there and has its type, else undefined. */
export function readFrames(value: unknown): FramesAnswer | undefined {
  return framesShape(value) ? (value as FramesAnswer) : undefined;
}

const timelineShape = fields({
  ...{ from: text, to: text, bucketSeconds: count },
  buckets: each(
    fields({
      ...{ from: text, state: oneOf([...STATES, 'off']), tunnel: oneOf(['up', 'stale', 'down', 'none']) },
      ...{ block: oneOf(['on', 'off', 'changed']), pass: flag },
      ...{ redEscaped: count, redBlocked: count, amberEscaped: count, amberBlocked: count, unseen: count },
    }),
  ),
});

/** As `readFrames`, for GET /v1/timeline. */
export function readTimeline(value: unknown): Timeline | undefined {
  return timelineShape(value) ? (value as Timeline) : undefined;
}
