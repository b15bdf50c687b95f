// What a listing of nft may look like for the same kernel.

import { describe, expect, it } from 'vitest';

import { SETS } from '../../../src/policy/compile/nft-sets.ts';
import {
  differences,
  elementDifferences,
  expectedShape,
  shapeOfListing,
} from '../../../src/policy/compile/readback.ts';

it.each(['udp', '17', 17])('an endpoint is the same where nft calls its transport %s', (transport) => {
  const goto = { goto: { target: 't0_wireguard' } };
  const endpoint = { concat: ['198.51.100.7', transport, 51820] };
  const host = { concat: ['198.51.100.7', transport] };
  const listing = {
    nftables: [
      { map: { name: 'tun4', elem: [[endpoint, goto]] } },
      {
        set: {
          name: 'frag4',
          elem: [host, { elem: { val: { concat: ['198.51.100.8', transport] }, timeout: 9 } }],
        },
      },
    ],
  };
  const text = `table bridge leakguard {
  map tun4 { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 198.51.100.7 . udp . 51820 : goto t0_wireguard } }
  set frag4 { type ipv4_addr . inet_proto; flags timeout; elements = { 198.51.100.7 . udp, 198.51.100.8 . udp timeout 9s } }
}
`;
  const expected = expectedShape(text);
  const actual = shapeOfListing(listing);
  expect(expected.sets.get('tun4')?.size).toBe(1);
  expect(actual?.sets).toEqual(expected.sets);
  expect(actual?.timed).toEqual(expected.timed);
});

it('what a rule has learned from frames is no change, and what another hand put beside it is', () => {
  const text = `table bridge leakguard {
  set recent_peer6 { type ipv6_addr; flags dynamic,timeout; timeout 10s; size 64; }
  chain learn {
    meta protocol ip6 icmpv6 type 135 update @recent_peer6 { ip6 saddr }
  }
}
`;
  const payload = (protocol: string, field: string): object => ({ payload: { protocol, field } });
  const listing = (elem: readonly unknown[], protocol: boolean): object => ({
    nftables: [
      { set: { name: 'recent_peer6', timeout: 10, elem } },
      { chain: { name: 'learn' } },
      {
        rule: {
          chain: 'learn',
          expr: [
            ...(protocol ? [{ match: { op: '==', left: { meta: { key: 'protocol' } }, right: 'ip6' } }] : []),
            { match: { op: '==', left: payload('icmpv6', 'type'), right: 'nd-neighbor-solicit' } },
            { set: { op: 'update', elem: payload('ip6', 'saddr'), set: '@recent_peer6' } },
          ],
        },
      },
    ],
  });
  const learned = { elem: { val: 'fd77::1', expires: 9 } };
  for (const protocol of [true, false]) expect(differences(listing([learned], protocol), text)).toEqual([]);
  const foreign = [{ elem: { val: 'fd77::2', timeout: 9_000, expires: 9 } }, 'fd77::3'];
  expect(differences(listing([learned, ...foreign], true), text).length).toBe(2);
});

it('sets that were changed are held against what was put in, alone', () => {
  const [here, there] = ['02:00:00:00:00:0c', '02:00:00:00:00:0d'];
  const held = new Map([['pass_mac', new Set([here])]]);
  const expected = {
    chains: new Map(),
    sets: new Map([['pass_mac', new Set<string>()]]),
    timed: held,
    flags: false,
  };
  const sets = SETS.filter(({ name }) => name === 'pass_mac');
  const found = (elements: readonly string[], seconds = 60): number => {
    const elem = elements.map((val) => ({ elem: { val, timeout: 60, expires: 9 } }));
    const come = [{ set: 'pass_mac', key: here, seconds }];
    return elementDifferences({ nftables: [{ set: { name: 'pass_mac', elem } }] }, expected, { sets, come })
      .length;
  };
  expect([found([here]), found([]), found([], 1), found([here, there]), found([there])]).toEqual([
    0, 1, 0, 1, 2,
  ]);
  const nothing = { sets, come: [] };
  expect([{}, { nftables: [] }].map((one) => elementDifferences(one, expected, nothing).length)).toEqual([
    1, 1,
  ]);
});

describe('elements with a time', () => {
  const key = '192.0.2.8';
  const set = { name: 'exposed4' };
  const wanted = {
    ...{ chains: new Map(), flags: false },
    sets: new Map([['exposed4', new Set<string>()]]),
    timed: new Map([['exposed4', new Set([key])]]),
  };
  const element = { set: 'exposed4', key, seconds: 60 };
  /** Read at 100 s; by what the kernel was given, the element ends between 158 and 177 s. */
  const reading = {
    ...{ begun: 99_900, ended: 100_000 },
    ends: [{ element, earliest: 158_000, latest: 177_000 }],
  };
  it.each<[string, number | undefined, number | undefined, string | undefined]>([
    ['that have it left', 58, undefined, undefined],
    ['given by a machine that was late', 75, undefined, undefined],
    ['emptied by another hand', undefined, undefined, 'lost 192.0.2.8 before its timeout'],
    ['cut short by another hand', 50, undefined, 'lost 192.0.2.8 before its timeout'],
    ['prolonged by another hand', 3_600, undefined, 'holds 192.0.2.8 beyond its timeout'],
    ['that are about to end', undefined, 99_000, undefined],
  ])('%s', (_case, expires, earliest, found) => {
    const elem = expires === undefined ? [] : [{ elem: { val: key, timeout: 60, expires } }];
    const ends = reading.ends.map((end) => ({ ...end, ...(earliest === undefined ? {} : { earliest }) }));
    const told = differences({ nftables: [{ set: { ...set, elem } }] }, wanted, { ...reading, ends });
    expect(told).toEqual(found === undefined ? [] : [`set exposed4 ${found}`]);
  });
});
