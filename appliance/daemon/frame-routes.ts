// Knows: how the kept frames of an incident are told over the local API: decoded, and byte by byte. Must not know: HTTP, SQL.
// At most EVIDENCE_FRAMES frames of EVIDENCE_BYTES bytes and LAYERS_MOST layers each: an answer of bounded size.

import { frameTree } from '../../src/flow/frame-tree.ts';
import type { EvidenceFrame } from '../../src/guard/evidence.ts';
import { EVIDENCE_FRAMES } from '../../src/guard/evidence.ts';
import type { FrameAnswer, FramesAnswer } from '../../src/guard/past-answers.ts';
import type { Privacy } from '../../src/guard/privacy.ts';
import type { IncidentView } from '../../src/guard/status.ts';
import type { ApiRoute } from './api-server.ts';
import { noIncident } from './routes.ts';

/** What this route asks of the history. */
export interface FrameSubject {
  incident(id: string): IncidentView | undefined;
  evidence(id: string): readonly EvidenceFrame[];
  readonly privacy: Privacy;
}

export function frameRoutes(history: FrameSubject): readonly ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/incidents/:id/frames',
      handle: ({ parts }): FramesAnswer => {
        const { id = '' } = parts;
        const frames = history.evidence(id).slice(0, EVIDENCE_FRAMES);
        if (frames.length === 0 && history.incident(id) === undefined) return noIncident(id);
        return { privacy: history.privacy, frames: frames.map(frameAnswer) };
      },
    },
  ];
}

function frameAnswer({ port, wall, length, bytes }: EvidenceFrame): FrameAnswer {
  return {
    ...{ port, length, at: new Date(wall).toISOString(), layers: frameTree(bytes) },
    hex: Buffer.from(bytes).toString('hex'),
  };
}
