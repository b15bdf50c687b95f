// Checks that whoever has accepted one minor thing has accepted no other, for every kind that can be minor, and under every privacy that
// tells them apart.

import { describe, expect, it } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { pastOf } from '../../src/guard/incidents/incident-view.ts';
import { IncidentBook } from '../../src/guard/incidents/incidents.ts';
import { Redaction } from '../../src/guard/history/privacy.ts';
import type { Privacy } from '../../src/guard/history/privacy.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import {
  BROADCAST,
  address4,
  address6,
  dnsQuery,
  ethernet,
  fill,
  icmp6,
  ipv4,
  ipv6,
  u16,
  udp,
} from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { FULL, LEARNED } from '../policy/policies.ts';
import { CLIENT, leak, observation } from './samples.ts';

const CISCO = '01:00:0c:cc:cc:cc';
const other = (type: number, to = BROADCAST): Uint8Array => ethernet(type, fill(46), { to });
const llc = (head: Bytes, to = CISCO): Uint8Array =>
  ethernet(60, [...head, ...fill(60 - head.length)], { to });
const snap = (organisation: Bytes, protocol: number): Uint8Array =>
  llc([0xaa, 0xaa, 3, ...organisation, ...u16(protocol)]);
const igmp3 = (groups: readonly string[]): Uint8Array =>
  ethernet(
    0x0800,
    ipv4(
      2,
      [0x22, 0, 0, 0, 0, 0, ...u16(groups.length), ...groups.flatMap((g) => [4, 0, 0, 0, ...address4(g)])],
      {
        to: '224.0.0.22',
      },
    ),
  );
const igmp2 = (type: number, group: string, to: string): Uint8Array =>
  ethernet(0x0800, ipv4(2, [type, 0, 0, 0, ...address4(group)], { to }));
const mld2 = (groups: readonly string[]): Uint8Array =>
  ethernet(
    0x86dd,
    ipv6(
      58,
      icmp6(143, [0, 0, ...u16(groups.length), ...groups.flatMap((g) => [4, 0, 0, 0, ...address6(g)])]),
      {
        to: 'ff02::16',
        hops: 1,
      },
    ),
  );
const mdns = (name: string): Uint8Array =>
  ethernet(0x0800, ipv4(17, udp(5353, 5353, dnsQuery(name)), { to: '224.0.0.251' }));
/** What was accepted, and what then comes. */
const PAIRS: readonly (readonly [string, Uint8Array, Uint8Array])[] = [
  ['Wake-on-LAN, then MACsec', other(0x0842), other(0x88e5)],
  ['Wake-on-LAN, then RARP', other(0x0842), other(0x8035)],
  ['a protocol without a name, then another', other(0x88b5), other(0x88b6)],
  ['spanning tree, then NetBEUI', llc([0x42, 0x42, 3]), llc([0xf0, 0xf0, 3])],
  ['CDP, then VTP', snap([0, 0, 0x0c], 0x2000), snap([0, 0, 0x0c], 0x2003)],
  ['CDP, then the same number of another organisation', snap([0, 0, 0x0c], 0x2000), snap([8, 0, 7], 0x2000)],
  ['LLC, then an EtherType', llc([0x42, 0x42, 3]), other(0x88e5, CISCO)],
  ['an EtherType, then the same to another', other(0x88e5), other(0x88e5, CISCO)],
  ['a group, then another in the same report (IGMPv3)', igmp3(['239.1.1.1']), igmp3(['239.1.1.2'])],
  ['a group, then it and another (IGMPv3)', igmp3(['239.1.1.1']), igmp3(['239.1.1.1', '239.1.1.2'])],
  [
    'a leave, then that of another group',
    igmp2(0x17, '239.1.1.1', '224.0.0.2'),
    igmp2(0x17, '239.1.1.2', '224.0.0.2'),
  ],
  [
    'a group, then another (IGMPv2)',
    igmp2(0x16, '239.1.1.1', '239.1.1.1'),
    igmp2(0x16, '239.1.1.2', '239.1.1.2'),
  ],
  ['a group, then another in the same report (MLDv2)', mld2(['ff05::1']), mld2(['ff05::2'])],
  ['a name on the link, then another', mdns('anna.local'), mdns('bert.local')],
];

const judge = compileJudge(FULL, LEARNED);
function seen(bytes: Uint8Array): ReturnType<typeof observation> {
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(bytes, 0, bytes.length, bytes.length, 1, packet);
  dissector.application(bytes, packet, 0);
  return { ...observation(), packet, verdict: judge.judge(packet, 'up'), client: CLIENT };
}
const now = { wall: 1e12, monotonic: 0 };
const bookOf = (privacy: Privacy): IncidentBook => {
  const book = new IncidentBook(10, 't');
  book.redaction = new Redaction(privacy, (text) =>
    Buffer.from(`${text}............`).toString('hex').slice(-40),
  );
  return book;
};

describe.each(PAIRS)('%s', (_, accepted, next) => {
  it('are both minor', () => {
    expect([accepted, next].map((bytes) => seen(bytes).verdict.severity)).toEqual(['amber', 'amber']);
  });

  it.each(['full'] as const)('the second is told (%s)', (privacy) => {
    const book = bookOf(privacy);
    const first = book.attempt(seen(accepted), now);
    book.acknowledge('all');
    // What was accepted stays so, and nothing else.
    expect(book.attempt(seen(accepted), now)).toBe(first);
    const second = book.attempt(seen(next), now);
    expect([first.acknowledged, second.acknowledged]).toEqual([true, false]);
    expect(book.all().filter(({ acknowledged }) => !acknowledged)).toEqual([second]);
  });

  it('both are told apart after a restart', () => {
    const before = bookOf('full');
    for (const bytes of [accepted, next]) before.attempt(seen(bytes), now);
    const after = bookOf('full');
    for (const incident of before.all().toReversed()) after.restore(pastOf(incident), true, now);
    for (const bytes of [accepted, next]) after.attempt(seen(bytes), now);
    expect(
      after
        .all()
        .map(({ exposure }) => exposure)
        .sort(),
    ).toEqual(
      before
        .all()
        .map(({ exposure }) => exposure)
        .sort(),
    );
  });
});

it('what was accepted without a name takes no name', () => {
  const book = bookOf('full');
  const destination = '224.0.0.251';
  const said = (exposure: string): ReturnType<typeof observation> =>
    observation({ kind: 'mdns', verdict: leak(exposure, { severity: 'amber', destination }) });
  const nameless = book.attempt(said(destination), now);
  book.acknowledge('all');
  const named = book.attempt(said('bert.local'), now);
  expect([nameless.exposure, nameless.acknowledged]).toEqual([destination, true]);
  expect([named.exposure, named.acknowledged]).toEqual(['bert.local', false]);
});

describe('under redacted privacy', () => {
  it.each(PAIRS.slice(0, 7))('the form stays and the address does not: %s', (_, accepted, next) => {
    const book = bookOf('redacted');
    for (const bytes of [accepted, next]) book.attempt(seen(bytes), now);
    const told = book.all().map(({ exposure }) => exposure);
    expect(new Set(told).size).toBe(2);
    for (const text of told) expect(text).toMatch(/^h-[0-9a-f]{20} \((type|LLC|SNAP) 0x[0-9a-f]+\)$/);
  });

  it('of several groups their networks', () => {
    const book = bookOf('redacted');
    book.attempt(seen(igmp3(['239.1.1.1', '239.2.2.2'])), now);
    expect(book.all()[0]?.exposure).toBe('239.1.1.0/24, 239.2.2.0/24');
  });
});
