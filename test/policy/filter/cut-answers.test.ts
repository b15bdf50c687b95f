// When a tunnel's own question may go over TCP, and what else may not, to the judge.

import { describe, expect, it } from 'vitest';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { RecentPeers } from '../../../src/policy/filter/recent-peers.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import { CLIENT, ROUTER, dnsAnswer, dnsQuery, ethernet, ipv4, tcp, u16, u32, udp } from '../frames.ts';
import type { Bytes } from '../frames.ts';
import { FULL, NAMES } from '../policies.ts';

const [LAPTOP, RESOLVER, OTHER] = ['192.168.1.50', '192.168.1.1', '203.0.113.53'];
const NAME = 'vpn.example.com';

function factsOf(direction: 'up' | 'down', protocol: number, payload: Bytes, far = RESOLVER): ParsedPacket {
  const ends = direction === 'up' ? { from: LAPTOP, to: far } : { from: far, to: LAPTOP };
  const link = direction === 'up' ? {} : { from: ROUTER, to: CLIENT };
  const bytes = ethernet(0x0800, ipv4(protocol, payload, ends), link);
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(bytes, 0, bytes.length, bytes.length, 1, packet);
  dissector.application(bytes, packet, 0);
  return packet;
}

const cut = (name = NAME): Bytes => {
  const answer = dnsAnswer(name, '198.51.100.77');
  return answer.map((byte, at) => (at === 2 ? byte | 2 : byte));
};
const own = (name = NAME): Bytes => [...u16(dnsQuery(name).length), ...dnsQuery(name)];
const asked = (name = NAME, port = 40_000): ParsedPacket => factsOf('up', 17, udp(port, 53, dnsQuery(name)));
const answered = (bytes: Bytes, port = 40_000): ParsedPacket => factsOf('down', 17, udp(53, port, bytes));

/** Whether a segment goes after what was said before it, a second apart, and it some time later. */
function goes(
  before: readonly ParsedPacket[],
  segment: ParsedPacket,
  direction: 'up' | 'down' = 'up',
  later = 0,
  policy = FULL,
): boolean {
  const judge = compileJudge(policy);
  const recentPeers = new RecentPeers();
  before.forEach((packet, at) => {
    recentPeers.learnNames(
      packet,
      packet.destinationPort === 53 ? 'up' : 'down',
      1_000 * at,
      judge.isOwnQuestion,
    );
  });
  recentPeers.recall(segment, direction, 1_000 * before.length + later);
  const verdict = judge.judge(segment, direction).verdict;
  const crosses = judge.crosses(segment, direction);
  if (direction === 'up') expect(verdict).toBe(crosses ? 'allowed' : 'leak');
  return crosses;
}
const segment = (payload: Bytes, flags = 0x18, doff = 5): ParsedPacket =>
  factsOf(
    'up',
    6,
    tcp(41_000, 53, [...Array.from({ length: 4 * (doff - 5) }, () => 1), ...payload], flags, doff),
  );
const CUT = [asked(), answered(cut())];

describe('the question over TCP', () => {
  it('goes to whom has called its answer cut, with all that a connection takes, and back', () => {
    for (const flags of [2, 0x10, 0x11, 0x14]) expect(goes(CUT, segment([], flags))).toBe(true);
    expect(goes(CUT, segment(own()))).toBe(true);
    expect(goes(CUT, segment(own(), 0x18, 8))).toBe(true);
    expect(goes(CUT, factsOf('down', 6, tcp(53, 41_000, own())), 'down')).toBe(true);
  });

  it.each<[string, readonly ParsedPacket[]]>([
    ['nobody asked', [answered(cut())]],
    ['nothing was answered', [asked()]],
    ['the answer is whole', [asked(), answered(dnsAnswer(NAME, '198.51.100.77'))]],
    ['the answer is for another port', [asked(), answered(cut(), 40_001)]],
    ['another name was asked', [asked('bank.example'), answered(cut('bank.example'))]],
    ['another name was answered', [asked(), answered(cut('bank.example'))]],
    ['somebody else answered', [asked(), factsOf('down', 17, udp(53, 40_000, cut()), OTHER)]],
  ])('does not when %s', (_case, before) => {
    expect(goes(before, segment([], 2))).toBe(false);
    expect(goes(before, segment(own()))).toBe(false);
    expect(goes(before, factsOf('down', 6, tcp(53, 41_000, own())), 'down')).toBe(false);
  });

  it('does not to another, to another port, from another client, and after half a minute', () => {
    expect(goes(CUT, factsOf('up', 6, tcp(41_000, 53, own()), OTHER))).toBe(false);
    expect(goes(CUT, factsOf('up', 6, tcp(41_000, 853, own())))).toBe(false);
    expect(goes(CUT, segment(own()), 'up', 35_000)).toBe(false);
  });

  it.each<[string, ParsedPacket]>([
    ['for another name', segment(own('bank.example'))],
    ['for a name below it', segment(own(`a.${NAME}`))],
    ['and another question', segment([...own(), ...own('bank.example')])],
    ['and another as long', segment([...own(), ...own('nvp.example.com')])],
    ['and more bytes', segment([...own(), ...u32(0)])],
    ['in half', segment(own().slice(0, 20))],
    ['in a SYN', segment(own(), 2)],
    ['in a FIN', segment(own(), 0x19)],
    ['that is urgent', segment(own(), 0x38)],
    ['with other options of TCP', segment(own(), 0x18, 7)],
  ])('is not one %s', (_case, packet) => {
    expect(goes(CUT, packet)).toBe(false);
  });

  it('is asked for a name with a label made up for it', () => {
    const name = '0123456789ab.vpn.example.com';
    const before = [asked(name), answered(cut(name))];
    expect(goes(before, segment(own(name)), 'up', 0, { ...NAMES, profile: 'full-tunnel' })).toBe(true);
    expect(goes(before, segment(own(NAME)), 'up', 0, { ...NAMES, profile: 'full-tunnel' })).toBe(false);
  });
});
