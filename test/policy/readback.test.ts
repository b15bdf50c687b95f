// Knows: what a listing of nft may look like for the same kernel. Must not know: how it is asked for.

import { expect, it } from 'vitest';

import { expectedShape, shapeOfListing } from '../../src/policy/readback.ts';

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
