// Knows: what the local API tells of an incident's frames, and that a client can read it. Must not know: the page, the disk.

import { expect, it } from 'vitest';

import { ApiError } from '../../../appliance/daemon/api-server.ts';
import { frameRoutes } from '../../../appliance/daemon/frame-routes.ts';
import type { EvidenceFrame } from '../../../src/guard/evidence.ts';
import { readFrames } from '../../../src/guard/past-answers.ts';
import { anIncident } from '../../guard-peer.ts';
import * as made from '../../policy/frames.ts';

const bytes = made.ethernet(0x0800, made.ipv4(17, made.udp(4000, 53, made.dnsQuery('leak.example'))));
const wall = Date.UTC(2026, 2, 1, 10);
const frame: EvidenceFrame = { port: 'wan', wall, length: 900, bytes };

function asked(id: string, frames: readonly EvidenceFrame[]): unknown {
  const incident = (wanted: string) => (wanted === 'i1' ? anIncident() : undefined);
  const [route] = frameRoutes({ incident, evidence: () => frames, privacy: 'full' });
  const answer = route?.handle({ parts: { id }, query: new URLSearchParams(), body: undefined });
  return JSON.parse(JSON.stringify(answer));
}

it('tells a kept frame decoded and byte by byte, in the shape that a client checks', () => {
  const told = readFrames(asked('i1', [frame]));
  expect(told?.frames).toHaveLength(1);
  const [{ port, at, length, hex, layers } = { layers: [] }] = told?.frames ?? [];
  expect({ port, at, length }).toEqual({ port: 'wan', at: '2026-03-01T10:00:00.000Z', length: 900 });
  expect(hex).toBe(Buffer.from(bytes).toString('hex'));
  expect(layers.map(({ label }) => label)).toEqual(['Ethernet', 'IPv4', 'UDP', 'DNS']);
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
    ['layers', [{ label: 'x' }]],
  ] as const)
    expect(readFrames({ ...told, frames: [{ ...told.frames[0], [name]: value }] }), name).toBeUndefined();
});
