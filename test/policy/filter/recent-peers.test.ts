// What a client may say to whoever has just come to it, whatever that one said.

import { describe, expect, it } from 'vitest';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { RecentPeers } from '../../../src/policy/filter/recent-peers.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import type { Verdict } from '../../../src/policy/verdict.ts';
import { CLIENT, ROUTER, address6, ethernet, fill, icmp6, ipv6 } from '../frames.ts';
import { FULL, LEARNED, SPLIT } from '../policies.ts';

const OWN = '2001:db8:1::50';
const OWN_LOCAL = 'fe80::50';
/** A site that nobody should learn of; the policy's tunnel server; the router of LEARNED. */
const [GUESS, SERVER, KNOWN_ROUTER] = ['2620:fe::119', '2001:db8::7', 'fe80::1'];

function factsOf(
  direction: 'up' | 'down',
  type: number,
  from: string,
  to: string,
  about: string,
): ParsedPacket {
  const link = direction === 'up' ? {} : { from: ROUTER, to: CLIENT };
  const message = icmp6(type, [...fill(4, 0), ...address6(about)]);
  const bytes = ethernet(0x86dd, ipv6(58, message, { from, to, hops: 255 }), link);
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(bytes, 0, bytes.length, bytes.length, 1, packet);
  dissector.application(bytes, packet, 0);
  return packet;
}

/** All that an uplink can say of an address before a client goes there. */
const BEFORE: readonly (readonly [string, (address: string) => ParsedPacket])[] = [
  ['solicits from it', (address) => factsOf('down', 135, address, OWN, OWN)],
  ['solicits a local address from it', (address) => factsOf('down', 135, address, OWN_LOCAL, OWN_LOCAL)],
  ['solicits for it', (address) => factsOf('down', 135, 'fe80::1', OWN, address)],
  ['advertises it', (address) => factsOf('down', 136, address, OWN, address)],
  ['advertises it from its own', (address) => factsOf('down', 136, 'fe80::1', OWN, address)],
];

describe.each([FULL, SPLIT])('in profile $profile', (policy) => {
  const judge = compileJudge(policy, LEARNED);
  const open = policy.profile !== 'full-tunnel';

  describe.each(BEFORE)('when the network %s', (_, said) => {
    function after(packet: ParsedPacket, about = GUESS): { crosses: boolean; verdict: Verdict } {
      const recentPeers = new RecentPeers();
      recentPeers.learn(said(about), 'down', 0);
      recentPeers.recall(packet, 'up', 1);
      return { crosses: judge.crosses(packet, 'up'), verdict: judge.judge(packet, 'up') };
    }

    it.each([
      [OWN, GUESS],
      [OWN_LOCAL, GUESS],
      [OWN, 'ff02::1:ff00:119'],
      [OWN_LOCAL, 'ff02::1:ff00:119'],
      [OWN, KNOWN_ROUTER],
      [OWN, SERVER],
    ])('who goes there shows it to nobody in block mode: from %s to %s', (from, to) => {
      const { crosses, verdict } = after(factsOf('up', 135, from, to, GUESS));
      expect(crosses).toBe(open);
      expect(verdict.verdict === 'leak').toBe(!open);
    });

    it.each([KNOWN_ROUTER, SERVER])('what is needed is looked for all the same: %s', (about) => {
      for (const to of [about, `ff02::1:ff00:${about.split('::')[1] ?? ''}`])
        expect(after(factsOf('up', 135, OWN, to, about), about).crosses).toBe(true);
    });
  });
});

describe('who asked just now', () => {
  const judge = compileJudge(FULL, LEARNED);
  const asked = (packet: ParsedPacket, later = 1): ParsedPacket => {
    const recentPeers = new RecentPeers();
    recentPeers.learn(factsOf('down', 135, GUESS, OWN, OWN), 'down', 0);
    recentPeers.recall(packet, 'up', later);
    return packet;
  };

  it('is answered, and nobody else, for half a minute', () => {
    const answer = (to: string): ParsedPacket => factsOf('up', 136, OWN, to, OWN);
    expect(judge.crosses(asked(answer(GUESS)), 'up')).toBe(true);
    expect(judge.crosses(asked(answer('2620:fe::120')), 'up')).toBe(false);
    expect(judge.crosses(asked(answer(GUESS), 40_000), 'up')).toBe(false);
  });

  it.each([
    ['a probe by itself is amber', GUESS, GUESS, 'amber', 1],
    ['a question to another is red', GUESS, 'ff02::1:ff00:119', 'red', 1],
    ['a question for another is red', '2620:fe::120', GUESS, 'red', 1],
    ['a question long after is red', GUESS, GUESS, 'red', 40_000],
  ] as const)('%s', (_, about, to, severity, later) => {
    const {
      verdict,
      rule,
      severity: found,
      reason,
      exposure,
    } = judge.judge(asked(factsOf('up', 135, OWN, to, about), later), 'up');
    expect([verdict, rule, found, exposure]).toEqual(['leak', 'E', severity, about]);
    expect(reason.includes('has just asked for it')).toBe(severity === 'amber');
  });
});
