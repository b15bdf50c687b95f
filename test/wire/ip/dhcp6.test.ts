// DHCPv6 messages as clients and servers send them. Follows RFC 8415 section 21, RFC 4704 section 4, RFC 3646 section 3.

import { describe, expect, it, test } from 'vitest';
import { Dhcp6View } from '../../../src/wire/ip/dhcp6.ts';
import { expectBounded } from '../bounded.ts';

const ascii = (value: string): number[] => [...new TextEncoder().encode(value)];
const option = (code: number, data: readonly number[]): number[] => [0, code, 0, data.length, ...data];
const address = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];

const solicit = Uint8Array.from([
  ...[1, 0x12, 0x34, 0x56],
  ...option(1, [0, 1, 0, 1, 0xaa, 0xbb]),
  ...option(39, [1, 6, ...ascii('Laptop'), 4, ...ascii('Home'), 0]),
  ...option(16, [0, 0, 1, 0x37, 0, 8, ...ascii('MSFT 5.0')]),
  ...option(6, [0, 23, 0, 24]),
]);

const reply = Uint8Array.from([
  ...[7, 0x12, 0x34, 0x56],
  ...option(2, [0, 3]),
  ...option(3, [...new Array<number>(12).fill(0), ...option(5, [...address, 0, 0, 0, 9, 0, 0, 0, 30])]),
  ...option(23, [...address, ...address]),
]);

describe('Dhcp6View', () => {
  it('reads a solicit', () => {
    expect(Dhcp6View.of(solicit, 0, solicit.length)).toMatchObject({
      messageType: 1,
      reply: false,
      clientDuid: '00010001aabb',
      clientFqdn: 'laptop.home',
      vendorClass: 'MSFT 5.0',
      optionRequest: '23,24',
      malformed: false,
    });
  });

  it('reads a reply', () => {
    expect(Dhcp6View.of(reply, 0, reply.length)).toMatchObject({
      reply: true,
      serverDuid: '0003',
      resolvers: ['2001:db8::7', '2001:db8::7'],
      addresses: [{ address: '2001:db8::7', validSeconds: 30 }],
      clientFqdn: undefined,
    });
  });

  it('keeps what stands before an option cut off', () => {
    const cut = Dhcp6View.of(solicit, 0, solicit.length - 1);
    expect([cut?.malformed, cut?.clientFqdn, cut?.optionRequest]).toEqual([true, 'laptop.home', undefined]);
  });

  test.each([[0], [37], [255]])('type %i is none', (type) => {
    expect(Dhcp6View.of(Uint8Array.of(type, 0, 0, 0), 0, 4)).toBeUndefined();
  });

  it('is bounded', () => {
    expectBounded(
      (bytes, start, end) => {
        const read = Dhcp6View.of(bytes, start, end);
        return (
          read && [
            read.clientFqdn,
            read.clientDuid,
            read.vendorClass,
            read.addresses,
            read.resolvers,
            read.malformed,
          ]
        );
      },
      [solicit, reply],
    );
  });
});
