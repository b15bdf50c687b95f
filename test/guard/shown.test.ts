// What of the past, and of what was learned, is shown after the privacy has changed.

import { describe, expect, it } from 'vitest';
import { Correlation } from '../../src/guard/answers/correlation.ts';
import { shownClients } from '../../src/guard/history/clients.ts';
import { redactedIncident, redactedGap } from '../../src/guard/history/past.ts';
import { PRIVACIES, Redaction } from '../../src/guard/history/privacy.ts';
import type { Privacy } from '../../src/guard/history/privacy.ts';
import type { Gap } from '../../src/guard/tunnels/gaps.ts';
import { barePolicy } from '../../src/policy/schema/bare-policy.ts';
import { aClient } from '../box-answers.ts';
import { anIncident } from '../guard-peer.ts';

const hash = (text: string): string =>
  Buffer.from(`${text}marker`).toString('hex').split('').reverse().join('');
const redaction = (privacy: Privacy): Redaction => new Redaction(privacy, hash);
const CLEAR = /secret-clinic|203\.0\.113\.53|02:00:00:00:00:0c|annas-laptop/;
const INCIDENT = anIncident({
  exposure: 'secret-clinic.example',
  why: 'DNS question for secret-clinic.example to 203.0.113.53',
  candidates: ['secret-clinic.example'],
  variants: ['secret-clinic.example'],
  first: '2026-03-01T10:17:03.000Z',
});
const GAP: Gap = {
  ...{ tunnel: 'home', lastFrame: { after: 1, until: 2 }, firstEscape: 3, handshake: 4, back: undefined },
  ...{ length: undefined, unanswered: 0, more: 0 },
  escapes: [{ incident: 'i1', rule: 'A', exposure: 'secret-clinic.example', frames: 1 }],
};

describe.each(PRIVACIES)('what was written under full, under %s', (privacy) => {
  const strict = privacy !== 'full';
  it('is an incident', () => {
    const told = redactedIncident({ incident: INCIDENT, privacy: 'full' }, redaction(privacy));
    expect(CLEAR.test(JSON.stringify(told))).toBe(!strict);
    expect(told.first.endsWith(':17:03.000Z')).toBe(privacy !== 'minimal');
  });

  it('is a silence of a tunnel', () => {
    expect(CLEAR.test(JSON.stringify(redactedGap(GAP, redaction(privacy))))).toBe(!strict);
  });

  it('is a client, and one with what was written under redacted', () => {
    const client = aClient({ id: '02:00:00:00:00:0c', hostName: 'annas-laptop' });
    const hashed = aClient({ ...client, id: redaction('redacted').identity(client.id), hostName: null });
    const told = shownClients([hashed, client], redaction(privacy));
    expect(CLEAR.test(JSON.stringify(told))).toBe(!strict);
    expect(told.length).toBe({ full: 2, redacted: 1, minimal: 0 }[privacy]);
  });
});

it.each([
  ['redacted', 'full'],
  ['minimal', 'redacted'],
  ['minimal', 'full'],
] as const)('what was written under %s stays hidden under %s', (before, after) => {
  const hidden = redactedIncident({ incident: INCIDENT, privacy: 'full' }, redaction(before));
  expect(redactedIncident({ incident: hidden, privacy: before }, redaction(after))).toEqual(hidden);
});

it('an answer that was read under redacted names its site in no visit under full, and never to the rules', () => {
  const policy = { ...barePolicy(), profile: 'proxy-stub' as const };
  const seen = { privacy: redaction('redacted') };
  const correlation = new Correlation(policy, undefined, (name) => seen.privacy.name(name));
  const observation = (packet: object, verdict: object) =>
    ({ client: 12, folded: false, verdict, packet }) as unknown as Parameters<Correlation['visit']>[0];
  const names = [{ name: 'secret-clinic.example', via: 'dns' }];
  const question = observation({ kind: 'dns', findings: { names, answers: [] } }, {});
  const answers = [{ name: 'secret-clinic.example', type: 'A', value: '203.0.113.53', ttl: 60 }];
  correlation.asked(question, 'i1', 0);
  correlation.answered(observation({ kind: 'dns', findings: { names, answers } }, {}), 1);
  seen.privacy = redaction('full');
  expect(JSON.stringify(correlation.takeExposures())).toMatch(/h-[0-9a-f]{20}\.example/);
  const open = { verdict: 'leak', rule: 'E', destination: '203.0.113.53' };
  const packet = { kind: 'tcp', findings: { names: [], answers: [] }, flowName: '', ipVersion: 4 };
  const destination = Uint32Array.from([0, 0, 0xffff, 0xcb007135]);
  const visit = correlation.visit(observation({ ...packet, source: destination, destination }, open), 2);
  expect(visit?.candidates[0]).toMatch(/^h-[0-9a-f]{20}\.example$/);
  expect(JSON.stringify(visit)).not.toContain('secret-clinic');
});
