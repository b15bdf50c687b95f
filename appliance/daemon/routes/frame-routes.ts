// Knows: how the captured frames of an incident are told over the local API: what Eve reads in them, and their bytes. Must not know: HTTP, SQL.
// At most EVIDENCE_FRAMES frames of EVIDENCE_BYTES bytes, MAX_READINGS readings and MAX_ENTRIES entries of DNS each: an answer of
// bounded size.

import { readFrame } from '../../../src/flow/reading/read-frame.ts';
import type { EvidenceFrame } from '../../../src/guard/incidents/evidence.ts';
import { EVIDENCE_FRAMES } from '../../../src/guard/incidents/evidence.ts';
import type { FrameAnswer } from '../../../src/api/past.ts';
import type { Privacy } from '../../../src/guard/history/privacy.ts';
import type { IncidentView } from '../../../src/api/status.ts';
import { nodeQuicCrypto } from '../../os/quic-crypto.ts';
import type { Handlers } from './handlers.ts';
import { noIncident } from './routes.ts';

/** What this route asks of the history. */
export interface FrameSubject {
  incident(id: string): IncidentView | undefined;
  evidence(id: string): readonly EvidenceFrame[];
  readonly privacy: Privacy;
}

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
