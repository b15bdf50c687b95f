// What the red light says first: what leaked, and to whom.

import { describe, expect, it } from 'vitest';

import { KINDS } from '../../../../src/flow/kinds.ts';
import type { IncidentView } from '../../../../src/api/status.ts';
import { leakSentence, worstOf } from '../../../../web/pages/status/leak-sentence.ts';

const INCIDENT: IncidentView = {
  ...{ id: 'a-1', rule: 'A', kind: 'dns', severity: 'red', client: '02:00:00:00:77:0c' },
  ...{ exposure: 'bank.example', destination: '203.0.113.53', attempted: 1, escaped: 1, blocked: 0 },
  ...{ first: '2026-03-01T10:00:00.000Z', last: '2026-03-01T10:00:00.000Z', why: '', acknowledged: false },
  breach: false,
};

describe('the sentence', () => {
  it.each([
    [{}, 'bank.example was looked up in plain text at 203.0.113.53.'],
    [{ kind: 'http' }, 'bank.example was visited without encryption at 203.0.113.53.'],
    [{ kind: 'tls' }, 'A connection to bank.example was opened at 203.0.113.53, with its name readable.'],
    [{ kind: 'tls', exposure: '203.0.113.53' }, 'Traffic (TLS) went to 203.0.113.53 outside the tunnel.'],
    [{ kind: 'doh' }, 'Encrypted DNS went to 203.0.113.53 instead of through the tunnel.'],
    [
      { kind: 'wireguard' },
      'A WireGuard connection went to 203.0.113.53, which is not one of your VPN servers.',
    ],
    [{ kind: 'udp', exposure: '203.0.113.53' }, 'Traffic (UDP) went to 203.0.113.53 outside the tunnel.'],
    [{ exposure: '{place}' }, '{place} was looked up in plain text at 203.0.113.53.'],
  ] as const)('%o', (of, sentence) => expect(leakSentence({ ...INCIDENT, ...of })).toBe(sentence));

  it('is there for every kind, with nothing left open', () => {
    for (const kind of KINDS) expect(leakSentence({ ...INCIDENT, kind })).not.toMatch(/[{}]|undefined/);
  });
});

describe('the incident that it speaks of', () => {
  const at = (id: string, second: number, more: Partial<IncidentView> = {}): IncidentView => ({
    ...{ ...INCIDENT, id, last: `2026-03-01T10:00:0${second}.000Z` },
    ...more,
  });

  it.each([
    ['the newest', [at('old', 1), at('new', 2)], 'new'],
    ['one that got past block mode', [at('past', 1, { breach: true }), at('new', 2)], 'past'],
    ['none that was stopped', [at('out', 1), at('stopped', 2, { escaped: 0, blocked: 1 })], 'out'],
    ['none that is acknowledged', [at('open', 1), at('seen', 2, { acknowledged: true })], 'open'],
    ['none that is minor', [at('red', 1), at('minor', 2, { severity: 'amber' })], 'red'],
    ['none where there is none', [], undefined],
  ] as const)('is %s', (_what, incidents, id) => expect(worstOf(incidents)?.id).toBe(id));
});
