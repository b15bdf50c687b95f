// For which IPv6 addresses a client may speak on its link, in every state of what is known of it.

import { describe, expect, it } from 'vitest';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import type { LearnedState } from '../../../src/policy/servers/learned.ts';
import { NOTHING_LEARNED } from '../../../src/policy/servers/learned.ts';
import { CLIENT, ROUTER, address6, ethernet, fill, icmp6, ipv6 } from '../frames.ts';
import { FULL, SPLIT } from '../policies.ts';

const [OWN, TUNNELED, HERE] = ['2001:db8:1::50', 'fd66::2', '2001:db8:1::77'];
const seconds = 600;
const own6 = [OWN, 'fe80::50'].map((address) => ({ address, seconds }));
const links = [
  { network: '192.168.1.0/24', seconds },
  { network: '2001:db8:1::/64', seconds },
];
const settled6 = [{ mac: CLIENT, seconds }];
const unsettled6 = false;
const LOCAL = 'fe80::50';
const LOCAL_OF_TUNNEL = 'fe80::66';

function factsOf(direction: 'up' | 'down', type: 135 | 136, from: string, target: string): ParsedPacket {
  const message = icmp6(type, [...fill(4, 0), ...address6(target)]);
  const link = direction === 'up' ? {} : { from: ROUTER, to: CLIENT };
  const bytes = ethernet(0x86dd, ipv6(58, message, { from, to: 'fe80::1', hops: 255 }), link);
  const packet = new ParsedPacket();
  new Dissector().headers(bytes, 0, bytes.length, bytes.length, 1, packet);
  return packet;
}

function tries(target: string): ParsedPacket {
  const message = icmp6(135, [...fill(4, 0), ...address6(target)]);
  const bytes = ethernet(0x86dd, ipv6(58, message, { from: '::', to: 'ff02::1:ff00:50', hops: 255 }));
  const packet = new ParsedPacket();
  new Dissector().headers(bytes, 0, bytes.length, bytes.length, 1, packet);
  return packet;
}

/** Of [its own, in its tunnel, another of the link]: which may be answered for, asked as, asked for from outside. */
const STATES: readonly (readonly [string, Partial<LearnedState>, string, string, string])[] = [
  ['nothing is known', {}, 'yyy', 'yyy', 'yyy'],
  ['its addresses are known, and whether they are all is not', { own6 }, 'yyy', 'yyy', 'yyy'],
  ['the link is known', { links }, 'yny', 'yyy', 'yny'],
  ['the link and its addresses are known', { own6, links }, 'yny', 'yyy', 'yny'],
  ['all its addresses are known', { own6, settled6, unsettled6 }, 'ynn', 'ynn', 'ynn'],
  ['all is known', { own6, settled6, unsettled6, links }, 'ynn', 'ynn', 'ynn'],
  ['all of its are known, and not those of another client', { own6, settled6, links }, 'ynn', 'ynn', 'yny'],
  ['it has none yet', { settled6, unsettled6, links }, 'nnn', 'nnn', 'nnn'],
];

describe.each(STATES)('when %s', (_, known, answers, asks, isAsked) => {
  const learned = { ...NOTHING_LEARNED, neighbours: [{ address: 'fe80::1', seconds }], ...known };
  const judge = compileJudge(FULL, learned);
  const crossing = (packet: (address: string) => ParsedPacket, direction: 'up' | 'down'): string =>
    [OWN, TUNNELED, HERE].map((address) => (judge.crosses(packet(address), direction) ? 'y' : 'n')).join('');

  it('answers', () => expect(crossing((at) => factsOf('up', 136, at, at), 'up')).toBe(answers));
  it('asks', () => expect(crossing((at) => factsOf('up', 135, at, 'fe80::1'), 'up')).toBe(asks));
  it('is asked', () => expect(crossing((at) => factsOf('down', 135, 'fe80::1', at), 'down')).toBe(isAsked));

  it('a link-local address is like any other, once all are known', () => {
    const all = known.settled6 === undefined ? 'yy' : known.own6 === undefined ? 'nn' : 'yn';
    const both = (packet: (address: string) => ParsedPacket): string =>
      [LOCAL, LOCAL_OF_TUNNEL].map((at) => (judge.crosses(packet(at), 'up') ? 'y' : 'n')).join('');
    expect(both((at) => factsOf('up', 136, at, at))).toBe(all);
    expect(both((at) => factsOf('up', 135, at, 'fe80::1'))).toBe(all);
  });

  it('what an interface can have may be tried for doubles', () => {
    for (const target of [OWN, TUNNELED, LOCAL]) expect(judge.crosses(tries(target), 'up')).toBe(true);
    for (const target of ['::', '::5:6:8', 'ff02::1:2:3', '::ffff:10.66.0.2', '64:ff9b::1'])
      expect(judge.crosses(tries(target), 'up'), target).toBe(false);
  });

  it('may go direct, where all may', () => {
    const open = compileJudge(SPLIT, learned);
    for (const at of [OWN, TUNNELED, HERE]) {
      expect(open.crosses(factsOf('up', 136, at, at), 'up')).toBe(true);
      expect(open.crosses(factsOf('down', 135, 'fe80::1', at), 'down')).toBe(true);
    }
  });
});
