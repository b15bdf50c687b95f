// What a step is judged by. Each fault is shown once: a judge that finds nothing wrong proves nothing.

import { describe, expect, it } from 'vitest';

import { changes, faultsOfLeak, totals } from '../../../appliance/lab/findings.ts';
import type { Leak } from '../../../appliance/lab/scenario.ts';
import type { IncidentView, Status } from '../../../src/api/status.ts';
import { anIncident, aStatus } from '../../guard-peer.ts';

const leak: Leak = {
  is: 'leak',
  way: 'escapes',
  rule: 'A',
  kinds: ['dns'],
  exposure: 'leak.example',
  frames: 1,
};
const blocked: Leak = { ...leak, way: 'blocked' };
const incident = (changed: Partial<IncidentView> = {}): IncidentView =>
  anIncident({ exposure: 'leak.example', ...changed });
const red = (...incidents: IncidentView[]): Status => aStatus({ lamp: 'red', state: 'leaking', incidents });
const blip = (...incidents: IncidentView[]): Status =>
  aStatus({ lamp: 'green-blip', state: 'blocked', incidents });

describe('what changed between two looks', () => {
  it('is what is new or has grown, and red', () => {
    const before = aStatus({ incidents: [incident({ id: 'a' }), incident({ id: 'b' })] });
    const after = red(
      incident({ id: 'a' }),
      incident({ id: 'b', attempted: 4, escaped: 1, blocked: 3 }),
      incident({ id: 'c', attempted: 2, escaped: 2 }),
      incident({ id: 'd', severity: 'amber' }),
    );
    expect(changes(before, after).map((change) => change.incident.id)).toEqual(['b', 'c']);
    expect(totals(changes(before, after))).toEqual({ attempted: 5, escaped: 2, blocked: 3 });
  });
});

describe('a leak', () => {
  it('is right when guard and uplink agree', () => {
    expect(faultsOfLeak(leak, aStatus(), red(incident()), 1)).toEqual([]);
    const stopped = incident({ escaped: 0, blocked: 1 });
    expect(faultsOfLeak(blocked, aStatus(), blip(stopped), 0)).toEqual([]);
  });

  it.each<[string, Leak, Status, number, RegExp]>([
    ['not seen at all', leak, aStatus({ lamp: 'red' }), 1, /0 incidents/],
    ['two incidents', leak, red(incident(), incident({ id: 'i2' })), 2, /2 incidents/],
    ['another rule', leak, red(incident({ rule: 'E' })), 1, /rule E kind dns/],
    ['another kind', leak, red(incident({ kind: 'udp' })), 1, /kind udp/],
    ['another name', leak, red(incident({ exposure: 'other.example' })), 1, /other\.example/],
    ['another number', leak, red(incident({ attempted: 2, escaped: 2 })), 2, /attempted 2, not 1/],
    [
      'a guard that missed it on the wire',
      blocked,
      blip(incident({ escaped: 0, blocked: 1 })),
      1,
      /uplink saw 1/,
    ],
    ['a guard that imagines it', leak, red(incident()), 0, /uplink saw 0/],
    ['half of it blocked', leak, red(incident({ attempted: 1, escaped: 0 })), 0, /0 escaped/],
    ['an LED that stays green', leak, aStatus({ incidents: [incident()] }), 1, /LED green, not red/],
    ['an LED that alarms for nothing', blocked, red(incident({ escaped: 0, blocked: 1 })), 0, /LED red/],
  ])('is wrong: %s', (_, expected, after, uplink, fault) => {
    expect(faultsOfLeak(expected, aStatus(), after, uplink).join('\n')).toMatch(fault);
  });
});
