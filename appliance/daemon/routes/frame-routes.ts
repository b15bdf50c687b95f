// The route for an incident's captured frames: what Eve can read in them, and their bytes. The answer's size is bounded: at most
// EVIDENCE_FRAMES frames of EVIDENCE_BYTES bytes, each with at most MAX_READINGS readings and MAX_ENTRIES DNS entries.

import { readFrame } from '../../../src/flow/reading/read-frame.ts';
import type { EvidenceFrame } from '../../../src/guard/incidents/evidence.ts';
import { EVIDENCE_FRAMES } from '../../../src/guard/incidents/evidence.ts';
import type { FrameAnswer } from '../../../src/api/past.ts';
import type { Privacy } from '../../../src/guard/history/privacy.ts';
import type { IncidentView } from '../../../src/api/status.ts';
import { nodeQuicCrypto } from '../../os/quic-crypto.ts';
import type { Handlers } from './handlers.ts';
import { noIncident } from './routes.ts';

/** What this route needs of the history. */
export interface FrameSubject {
  incident(id: string): IncidentView | undefined;
  /** Captured frames in the order in which they were seen; empty for an unknown incident, and unless privacy is `full`. */
  evidence(id: string): readonly EvidenceFrame[];
  readonly privacy: Privacy;
}

/**
 * The handler for `frames`: `at` in ISO 8601, `length` as on the wire, `hex` the captured bytes, two digits each. Throws ApiError 404 for
 * an unknown incident; an incident without frames has an empty list.
 */
export function frameRoutes(history: FrameSubject) {
  return {
    frames: ({ params: { id } }) => {
      const frames = history.evidence(id).slice(0, EVIDENCE_FRAMES);
      if (frames.length === 0 && history.incident(id) === undefined) return noIncident(id);
      return { privacy: history.privacy, frames: frames.map(frameAnswer) };
    },
  } satisfies Partial<Handlers>;
}

function frameAnswer({ port, wall, length, bytes }: EvidenceFrame): FrameAnswer {
  return {
    port,
    length,
    at: new Date(wall).toISOString(),
    ...readFrame(bytes, length, { quic: nodeQuicCrypto }),
    hex: Buffer.from(bytes).toString('hex'),
  };
}
