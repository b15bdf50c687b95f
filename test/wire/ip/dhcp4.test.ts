// DHCPv4 messages as clients and servers send them, split, overloaded and broken. Follows RFC 2132, RFC 3396, RFC 3442 (its own table of
// encodings), RFC 4702.

import { describe, expect, it, test } from 'vitest';
import { Dhcp4View } from '../../../src/wire/ip/dhcp4.ts';
import { expectBounded } from '../bounded.ts';

const ascii = (value: string): number[] => [...new TextEncoder().encode(value)];
const option = (code: number, ...data: number[]): number[] => [code, data.length, ...data];

function message(options: readonly number[], operation = 1): Uint8Array {
  const bytes = new Uint8Array(240 + options.length);
  bytes.set([operation, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef]);
  bytes.set([192, 0, 2, 99], 16);
  bytes.set([2, 0, 0, 0, 0, 0x0c], 28);
  bytes.set([0x63, 0x82, 0x53, 0x63], 236);
  bytes.set(options, 240);
  return bytes;
}

function view(options: readonly number[], operation = 1): Dhcp4View {
  const bytes = message(options, operation);
  const read = Dhcp4View.of(bytes, 0, bytes.length);
  if (read === undefined) throw new Error('no view');
  return read;
}

describe('what a client says about itself', () => {
  const request = view([
    ...option(53, 3),
    ...option(61, 1, 2, 0, 0, 0, 0, 0x0c),
    ...option(12, ...ascii('Lucas-iMac'), 0),
    ...option(60, ...ascii('MSFT 5.0')),
    ...option(50, 192, 168, 7, 9),
    ...option(55, 1, 121, 3, 6),
    ...option(81, 0, 0, 0, ...ascii('Lucas-iMac.Home.')),
    255,
  ]);

  it('is read', () => {
    expect(request).toMatchObject({
      reply: false,
      transaction: 0xdeadbeef,
      clientMac: 0x02000000000c,
      messageType: 3,
      hostName: 'lucas-imac',
      vendorClass: 'MSFT 5.0',
      clientId: '0102000000000c',
      requestedAddress: '192.168.7.9',
      parameterList: '1,121,3,6',
      clientFqdn: 'lucas-imac.home',
      malformed: false,
    });
  });

  it('takes an FQDN in DNS encoding when its flag says so', () => {
    const value = [4, 0, 0, 6, ...ascii('Laptop'), 4, ...ascii('home'), 0];
    expect(view([...option(81, ...value), 255]).clientFqdn).toBe('laptop.home');
    expect(view([...option(81, 4, 0, 0, 9, 65), 255]).clientFqdn).toBeUndefined();
  });

  it('shows a hostile name’s octets', () => {
    expect(view([...option(12, 0x61, 0x1b, 0xff), 255]).hostName).toBe('a\\027\\255');
  });
});

describe('what a server offers', () => {
  it('is read', () => {
    const ack = view(
      [
        ...option(53, 5),
        ...option(54, 192, 0, 2, 1),
        ...option(51, 0, 0, 0, 30),
        ...option(1, 255, 255, 254, 0),
        ...option(3, 192, 0, 2, 1),
        ...option(6, 192, 0, 2, 53, 198, 51, 100, 53),
        ...option(15, ...ascii('Cafe.example')),
        ...option(114, ...ascii('https://portal.example/API')),
        255,
      ],
      2,
    );
    expect(ack).toMatchObject({
      reply: true,
      messageType: 5,
      serverIdentifier: '192.0.2.1',
      yourAddress: '192.0.2.99',
      leaseSeconds: 30,
      prefixLength: 23,
      routers: ['192.0.2.1'],
      resolvers: ['192.0.2.53', '198.51.100.53'],
      captivePortal: 'https://portal.example/API',
    });
    expect(ack.hostName).toBeUndefined();
  });

  test.each([
    [[255, 255, 255, 255], 32],
    [[0, 0, 0, 0], 0],
    [[128, 0, 0, 0], 1],
    [[255, 0, 255, 0], undefined],
  ])('mask %j', (mask, length) => {
    expect(view([...option(1, ...mask), 255]).prefixLength).toBe(length);
  });

  // The table of RFC 3442, "Classless Route Option Format".
  test.each([
    [[0], '0.0.0.0', 0],
    [[8, 10], '10.0.0.0', 8],
    [[24, 10, 0, 0], '10.0.0.0', 24],
    [[16, 10, 17], '10.17.0.0', 16],
    [[24, 10, 27, 129], '10.27.129.0', 24],
    [[25, 10, 229, 0, 128], '10.229.0.128', 25],
    [[32, 10, 198, 122, 47], '10.198.122.47', 32],
  ])('RFC 3442: %j', (descriptor, network, prefixLength) => {
    const router = '192.0.2.66';
    for (const code of [121, 249]) {
      const routes = view([...option(code, ...descriptor, 192, 0, 2, 66), 255]).routes;
      expect(routes).toEqual([{ network, prefixLength, router }]);
    }
  });

  it('keeps whole routes before a broken one', () => {
    const routes = view([...option(121, 1, 0, 9, 9, 9, 9, 33, 1, 2, 3), 255]).routes;
    expect(routes).toEqual([{ network: '0.0.0.0', prefixLength: 1, router: '9.9.9.9' }]);
  });
});

describe('how options are laid out', () => {
  it('joins an option that is split (RFC 3396)', () => {
    const split = [...option(12, ...ascii('long')), ...option(53, 1), ...option(12, ...ascii('-name')), 255];
    expect(view(split).hostName).toBe('long-name');
  });

  it('reads the boot file and server name fields when they are overloaded', () => {
    const bytes = message([...option(52, 3), 255]);
    bytes.set([...option(12, ...ascii('in-file')), 255], 108);
    bytes.set([...option(60, ...ascii('in-sname')), 255], 44);
    const read = Dhcp4View.of(bytes, 0, bytes.length);
    expect([read?.hostName, read?.vendorClass, read?.malformed]).toEqual(['in-file', 'in-sname', false]);
  });

  test.each([
    ['past the end', [12, 9, 65]],
    ['without its length', [...option(53, 1), 12]],
    ['without an end', option(53, 1)],
  ])('an option %s is malformed', (_, options) => {
    expect(view(options).malformed).toBe(true);
  });

  it('is BOOTP without the cookie', () => {
    const bytes = message([...option(53, 1), 255]).fill(0, 236, 240);
    expect(Dhcp4View.of(bytes, 0, bytes.length)?.messageType).toBe(0);
    expect(Dhcp4View.of(bytes, 0, 235)).toBeUndefined();
    expect(Dhcp4View.of(bytes.fill(9, 0, 1), 0, bytes.length)).toBeUndefined();
  });

  it('is bounded', () => {
    const seed = message([
      ...option(52, 3),
      ...option(121, 24, 10, 0, 0, 1, 2, 3, 4),
      ...option(12, 65),
      255,
    ]);
    expectBounded(
      (bytes, start, end) => {
        const read = Dhcp4View.of(bytes, start, end);
        return (
          read && [
            read.hostName,
            read.routes,
            read.clientFqdn,
            read.routers,
            read.captivePortal,
            read.malformed,
          ]
        );
      },
      [seed],
    );
  });
});
