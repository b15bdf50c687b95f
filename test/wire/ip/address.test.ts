// What addresses look like as text and as words. Follows RFC 5952 section 4 (its own examples) and node's net.isIP as an independent judge
// of validity.

import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressText,
  endpointText,
  macText,
  inNetwork,
  networkOf,
  parseAddress,
  parseIpv4,
  parseIpv6,
  parseMac,
  reverseAddress,
} from '../../../src/wire/ip/address.ts';

function words(text: string): Uint32Array {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`no address: ${text}`);
  return address.words;
}

describe('IPv6 text', () => {
  test.each([
    ['2001:db8::1', '2001:db8::1'],
    ['2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['fe80::', 'fe80::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ])('%s is written %s', (text, canonical) => {
    expect(addressText(6, words(text))).toBe(canonical);
  });

  test('any eight groups come back the same, and as node writes them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 }),
        (groups) => {
          const text = groups.map((group) => group.toString(16)).join(':');
          const written = addressText(6, words(text));
          expect(words(written)).toEqual(words(text));
          if (!written.includes('.')) {
            const native = new SocketAddress({ address: text, family: 'ipv6' }).address;
            if (!native.includes('.')) expect(written).toBe(native);
          }
        },
      ),
    );
  });

  test.each([
    '',
    ':',
    ':::',
    '1:2:3',
    '1::2::3',
    '12345::',
    'fe80::1%eth0',
    '::1.2.3',
    '1.2.3.4::',
    'g::',
    '1:2:3:4:5:6:7:8::',
  ])('refuses %s', (text) => {
    expect(isIPv6(text) && !text.includes('%')).toBe(false);
    expect(parseIpv6(text)).toBeUndefined();
  });
});

describe('IPv4 text', () => {
  test('agrees with node about what is an address', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('0', '1', '2', '5', '9', '.'), maxLength: 15 }),
        (text) => {
          expect(parseIpv4(text) !== undefined).toBe(isIPv4(text));
        },
      ),
    );
  });

  test('an IPv4 address and its mapped form have the same words and another family', () => {
    const plain = parseAddress('192.0.2.1');
    const mapped = parseAddress('::ffff:192.0.2.1');
    expect(plain?.words).toEqual(mapped?.words);
    expect([plain?.ipVersion, mapped?.ipVersion]).toEqual([4, 6]);
    expect(endpointText('udp', 4, words('192.0.2.1'), 51820)).toBe('udp:192.0.2.1:51820');
    expect(endpointText('tcp', 6, words('2001:db8::7'), 443)).toBe('tcp:[2001:db8::7]:443');
  });
});

describe('networks', () => {
  test.each([
    ['192.0.2.255', '192.0.2.0', 96 + 24, true],
    ['192.0.3.0', '192.0.2.0', 96 + 24, false],
    ['10.1.2.3', '10.1.2.3', 128, true],
    ['10.1.2.3', '0.0.0.0', 96, true],
    ['2001:db8:1::', '2001:db8::', 32, true],
    ['2001:db9::', '2001:db8::', 32, false],
    ['2001:db8:8000::1', '2001:db8:8000::', 33, true],
    ['2001:db8::1', '2001:db8:8000::', 33, false],
  ])('%s in %s/%i: %s', (address, network, bits, inside) => {
    expect(inNetwork(words(address), words(network), bits)).toBe(inside);
  });

  test('the network of an address contains it', () => {
    expect(addressText(4, networkOf(words('192.0.2.77'), 96 + 26))).toBe('192.0.2.64');
    expect(addressText(6, networkOf(words('2001:db8:ffff::1'), 33))).toBe('2001:db8:8000::');
  });
});

describe('MAC addresses', () => {
  test('come back as they were written', () => {
    expect(macText(parseMac('02:00:00:00:00:0c') ?? 0)).toBe('02:00:00:00:00:0c');
    expect(macText(parseMac('FF-FF-FF-FF-FF-FF') ?? 0)).toBe('ff:ff:ff:ff:ff:ff');
    expect(macText(0)).toBe('00:00:00:00:00:00');
    for (let place = 0; place < 48; place += 1) {
      const mac = 2 ** place + 0x01_02_03_04_05_06;
      expect(parseMac(macText(mac))).toBe(mac);
    }
  });
  test.each(['', '02:00:00:00:00', '02:00:00:00:00:0c:01', '0200.0000.000c', '02:00-00:00:00:0c'])(
    'refuses %s',
    (text) => {
      expect(parseMac(text)).toBeUndefined();
    },
  );
});

// RFC 1035 section 3.5 and RFC 3596 section 2.5 have the examples.
test.each([
  ['52.0.2.10.in-addr.arpa', '10.2.0.52'],
  ['b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa', '4321:0:1:2:3:4:567:89ab'],
  ['2.10.in-addr.arpa', undefined],
  ['300.0.2.10.in-addr.arpa', undefined],
  ['x.0.2.10.in-addr.arpa', undefined],
  ['1.2.3.ip6.arpa', undefined],
  ['in-addr.arpa', undefined],
  ['www.example', undefined],
])('%s', (name, address) => {
  expect(reverseAddress(name)).toBe(address);
});
