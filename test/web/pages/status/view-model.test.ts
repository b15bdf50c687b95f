// Which light and which words a status deserves.

import { describe, expect, it } from 'vitest';

import { STATES } from '../../../../src/api/words.ts';
import { GLYPHS, tabIcon } from '../../../../web/pages/status/glyphs.ts';
import { STATE_TEXTS } from '../../../../web/texts.ts';
import { clockTime, grouped, lightOf, rankedKinds } from '../../../../web/pages/status/view-model.ts';
import { outcomeOf } from '../../../../src/api/shown.ts';
import { aStatus, anIncident } from '../../../guard-peer.ts';

const health = aStatus().health;

describe('the light', () => {
  it('has a word and a shape of its own for every state', () => {
    const states = [...STATES, 'minor', 'trying'] as const;
    expect(new Set(states.map((state) => STATE_TEXTS[state].word)).size).toBe(states.length);
    expect(new Set(states.map((state) => GLYPHS[state])).size).toBe(states.length);
    expect(new Set(states.map(tabIcon)).size).toBe(states.length);
  });

  it.each([
    ['idle', 'trying', 'No answer', 'trying'],
    ['idle', 'down', 'No tunnel', 'idle'],
    ['clear', 'quiet', 'Clear', 'clear'],
    ['clear', 'up', 'Clear', 'clear'],
  ] as const)('in state %s with a tunnel that is %s says "%s"', (state, tunnel, word, shown) => {
    const [home] = aStatus().tunnels;
    if (home === undefined) throw new Error('no tunnel');
    const status = aStatus({
      state,
      lamp: state === 'idle' ? 'amber' : 'green',
      tunnels: [{ ...home, state: tunnel }],
    });
    const light = lightOf({ known: true, status });
    expect(light).toMatchObject({ word, state: shown });
    // Who tries has started the VPN already.
    expect(light.next.includes('Start your VPN')).toBe(shown === 'idle');
  });

  it.each([
    [
      'a tap is down',
      { health: { ...health, taps: health.taps.map((tap) => ({ ...tap, state: 'down' as const })) } },
    ],
    ['a tap is missing', { health: { ...health, taps: health.taps.slice(0, 1) } }],
    ['rules are not verified', { health: { ...health, ruleset: { ...health.ruleset, verified: false } } }],
    ['counters cannot be read', { health: { ...health, counters: { readable: false, at: null } } }],
    ['the LED says otherwise', { lamp: 'red' as const }],
  ])('is not green when %s', (_, change) => {
    expect(lightOf({ known: true, status: aStatus() }).state).toBe('clear');
    for (const state of ['clear', 'blocked'] as const)
      expect(lightOf({ known: true, status: aStatus({ state, ...change }) }).state).toBe('blind');
    expect(lightOf({ known: true, status: aStatus({ state: 'leaking', ...change }) }).state).toBe('leaking');
  });

  it('is amber, not green, when the LED is', () => {
    expect(lightOf({ known: true, status: aStatus({ lamp: 'amber' }) }).state).toBe('minor');
    expect(lightOf({ known: true, status: aStatus({ state: 'leaking', lamp: 'amber' }) }).state).toBe(
      'leaking',
    );
  });

  it('is blind when nothing is known, whatever was known before', () => {
    for (const fault of ['unreachable', 'silent', 'garbled', 'refused'] as const)
      expect(lightOf({ known: false, fault, last: aStatus() }).state).toBe('blind');
  });
});

describe('an incident', () => {
  it('got out, was stopped, tried, or crossed the block', () => {
    expect(outcomeOf(anIncident())).toBe('escaped');
    expect(outcomeOf(anIncident({ escaped: 0, blocked: 3 }))).toBe('blocked');
    expect(outcomeOf(anIncident({ escaped: 1, blocked: 3 }))).toBe('escaped');
    expect(outcomeOf(anIncident({ escaped: 0 }))).toBe('seen');
    expect(outcomeOf(anIncident({ breach: true }))).toBe('breach');
    expect(outcomeOf(anIncident({ severity: 'amber' }))).toBe('minor');
    expect(outcomeOf(anIncident({ rule: 'T', severity: 'amber', escaped: 0 }))).toBe('warning');
  });
});

describe('figures', () => {
  it('are grouped, timed and ranked', () => {
    expect([0, 999, 1000, 1234567].map(grouped)).toEqual(['0', '999', '1\u202f000', '1\u202f234\u202f567']);
    expect(clockTime('2026-03-01T10:00:00.123Z', '2026-03-01T12:00:00Z')).toBe('10:00:00 UTC');
    expect(clockTime('2026-02-28T10:00:00Z', '2026-03-01T12:00:00Z')).toBe('2026-02-28 10:00:00 UTC');
    expect(clockTime('<b>', '2026-03-01T12:00:00Z')).toBe('<b>');
    expect(rankedKinds({ arp: 1, dns: 0, tunnel: 1000 })).toEqual([
      { kind: 'tunnel', frames: 1000, share: 100 },
      { kind: 'arp', frames: 1, share: 1 },
    ]);
  });
});
