// What the local API tells of an incident's frames, and that a client can read it.

import { expect, it } from 'vitest';

import { ApiError } from '../../../../appliance/daemon/routes/api-server.ts';
import { frameRoutes } from '../../../../appliance/daemon/routes/frame-routes.ts';
import { routesOf } from '../../../../appliance/daemon/routes/handlers.ts';
import type { EvidenceFrame } from '../../../../src/guard/incidents/evidence.ts';
import { frames as framesAnswer } from '../../../../src/api/past.ts';
import { anIncident } from '../../../guard-peer.ts';
import * as made from '../../../policy/frames.ts';

const bytes = made.ethernet(0x0800, made.ipv4(17, made.udp(4000, 53, made.dnsQuery('leak.example'))));
const wall = Date.UTC(2026, 2, 1, 10);
const frame: EvidenceFrame = { port: 'wan', wall, length: 900, bytes };

function asked(id: string, frames: readonly EvidenceFrame[]): unknown {
  const incident = (wanted: string) => (wanted === 'i1' ? anIncident() : undefined);
  const [route] = routesOf(frameRoutes({ incident, evidence: () => frames, privacy: 'full' }));
  const answer = route?.handle({ parts: { id }, query: new URLSearchParams(), body: undefined });
  return JSON.parse(JSON.stringify(answer));
}

it('tells what is read in a captured frame, and its bytes, in the shape that a client checks', () => {
  const told = framesAnswer.parse(asked('i1', [frame]));
  expect(told.frames).toHaveLength(1);
  const [{ port, at, length, hex, readings, dns } = { readings: [] }] = told.frames;
  expect({ port, at, length }).toEqual({ port: 'wan', at: '2026-03-01T10:00:00.000Z', length: 900 });
  expect(hex).toBe(Buffer.from(bytes).toString('hex'));
  expect(readings).toContainEqual({ what: 'dns', value: 'leak.example', marks: [{ start: 54, end: 68 }] });
  expect(dns).toMatchObject({ state: 'whole', entries: [{ name: 'leak.example' }] });
});

it('says that there are none, and knows an incident that is none', () => {
  expect(asked('i1', [])).toEqual({ privacy: 'full', frames: [] });
  expect(() => asked('none', [])).toThrow(ApiError);
});

it('is no answer to a client when a field has another type', () => {
  const told = asked('i1', [frame]) as { frames: Record<string, unknown>[] };
  for (const [name, value] of [
    ['hex', 'zz'],
    ['port', 'eth0'],
    ['readings', [{ what: 'tree', value: 'x', marks: [] }]],
    ['readings', [{ what: 'dns', value: 'x', marks: [{ start: 1 }] }]],
    ['more', null],
    ['dns', { state: 'whole' }],
  ] as const) {
    const bent = { ...told, frames: [{ ...told.frames[0], [name]: value }] };
    expect(framesAnswer.safeParse(bent).success, name).toBe(false);
  }
});
