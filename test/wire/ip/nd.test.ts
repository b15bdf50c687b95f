// Neighbour discovery messages as hosts and routers send them. Follows RFC 4861 sections 4.1 to 4.6, RFC 8106 section 5, RFC 4191 section
// 2.

import { describe, expect, it, test } from 'vitest';
import { NdView } from '../../../src/wire/ip/nd.ts';
import { expectBounded } from '../bounded.ts';

const ascii = (value: string): number[] => [...new TextEncoder().encode(value)];
const mac = [2, 0, 0, 0, 0, 0x0c];
const address = (last: number): number[] => [0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), last];

const advertisement = Uint8Array.from([
  ...[134, 0, 0, 0, 64, 0xc8, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0],
  ...[1, 1, ...mac],
  ...[3, 4, 64, 0xc0, 0, 0, 0x0e, 0x10, 0, 0, 7, 8, 0, 0, 0, 0, ...address(0)],
  ...[24, 2, 48, 0, 0, 0, 0, 9, 0x20, 1, 0xd, 0xb8, 0xab, 0xcd, 0, 0],
  ...[25, 3, 0, 0, 0, 0, 1, 0, ...address(0x53)],
  ...[31, 3, 0, 0, 0, 0, 1, 0, 4, ...ascii('cafe'), 7, ...ascii('example'), 0, 0, 0],
  ...[37, 2, ...ascii('https://p.x'), 0, 0, 0],
]);

const solicitation = Uint8Array.from([135, 0, 0, 0, 0, 0, 0, 0, ...address(9), 1, 1, ...mac]);
const redirect = Uint8Array.from([137, 0, 0, 0, 0, 0, 0, 0, ...address(1), ...address(2)]);

describe('NdView', () => {
  it('reads a router advertisement', () => {
    expect(NdView.of(advertisement, 0, advertisement.length)).toMatchObject({
      type: 134,
      malformed: false,
      routerLifetime: 1800,
      preference: 'high',
      prefixes: [
        {
          prefix: '2001:db8::',
          prefixLength: 64,
          onLink: true,
          autonomous: true,
          validSeconds: 3600,
          preferredSeconds: 1800,
        },
      ],
      routes: [{ prefix: '2001:db8:abcd::', prefixLength: 48, lifetimeSeconds: 9 }],
      resolvers: ['2001:db8::53'],
      captivePortal: 'https://p.x',
    });
  });

  it('reads a neighbour solicitation and a redirect', () => {
    const asks = NdView.of(solicitation, 0, solicitation.length);
    expect(asks).toMatchObject({ target: '2001:db8::9', routerLifetime: -1 });
    const redirects = NdView.of(redirect, 0, redirect.length);
    expect(redirects).toMatchObject({ target: '2001:db8::1', redirected: '2001:db8::2' });
  });

  test.each([
    ['an option of length zero', [1, 0, 0, 0, 0, 0, 0, 0]],
    ['an option cut off', [1, 2, 0, 0, 0, 0, 0, 0]],
    ['an octet left over', [1]],
  ])('%s is malformed', (_, tail) => {
    const bytes = Uint8Array.from([...redirect, ...tail]);
    expect(NdView.of(bytes, 0, bytes.length)?.malformed).toBe(true);
  });

  test.each([
    ['another type', [128, 0, 0, 0, 0, 0, 0, 0]],
    ['another code', [133, 1, 0, 0, 0, 0, 0, 0]],
    ['too short', [133, 0, 0, 0, 0, 0, 0]],
  ])('%s is none', (_, octets) => {
    expect(NdView.of(Uint8Array.from(octets), 0, octets.length)).toBeUndefined();
  });

  it('is bounded', () => {
    expectBounded(
      (bytes, start, end) => {
        const read = NdView.of(bytes, start, end);
        return read && [read.prefixes, read.routes, read.resolvers, read.target, read.malformed];
      },
      [advertisement, solicitation, redirect],
    );
  });
});
