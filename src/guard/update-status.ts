// Knows: what is said of an update, and how one is sent, over the local API. Must not know: how one is installed.

import { count, fields, flag, oneOf, text } from './shapes.ts';

export const UPDATE_STAGES = [
  'none',
  'installing',
  'rolling-back',
  'updated',
  'kept',
  'rolled-back',
  'refused',
  'failed',
] as const;
export type UpdateStage = (typeof UPDATE_STAGES)[number];

/** GET /v1/update, and the answer of every path below it. */
export interface UpdateStatus {
  /** The version that runs. */
  readonly running: string;
  readonly stage: UpdateStage;
  /** The version that was asked for last; empty when there is none. */
  readonly version: string;
  /** One sentence for people. */
  readonly why: string;
  /** Whether a signed file of the version that runs is kept: without it nothing is updated. */
  readonly wayBack: boolean;
  /** Bytes of the next update that have arrived. */
  readonly received: number;
}

/** POST /v1/update/part → UpdateStatus. Parts come in order; the one at 0 begins anew. */
export interface UpdatePartCommand {
  /** Where in the file this part begins, bytes. */
  readonly at: number;
  /** Base64, at most UPDATE_PART_MOST bytes of the file. */
  readonly bytes: string;
}

/** A part and its wrapping fit the API's body limit. Bytes of the file. */
export const UPDATE_PART_MOST = 512 * 1024;

const shape = fields({
  running: text,
  stage: oneOf(UPDATE_STAGES),
  version: text,
  why: text,
  wayBack: flag,
  received: count,
});

/** The value when every field has its shape, else undefined. */
export function readUpdateStatus(value: unknown): UpdateStatus | undefined {
  return shape(value) ? (value as UpdateStatus) : undefined;
}
