// What the headers of hand-made frames say. The same frames through fresh facts and through reused ones have to give the same: the shortcut
// must not be seen.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ParsedPacket, copyPacket } from '../../../src/flow/parsed-packet.ts';
import { readHeaders } from '../../../src/flow/headers/headers.ts';
import { addressText } from '../../../src/wire/ip/address.ts';
import { LinkType } from '../../../src/wire/link/link-types.ts';
import { hex } from '../../wire/hex.ts';

const MACS = '02 00 00 00 00 01 02 00 00 00 00 0c';

function read(
  frame: Uint8Array,
  linkType: number = LinkType.ETHERNET,
  wireLength = frame.length,
): ParsedPacket {
  const packet = new ParsedPacket();
  readHeaders(frame, 0, frame.length, wireLength, linkType, packet);
  return packet;
}

/** IPv4 header; lengths and offsets as given, no matter whether they are right. */
function ipv4(protocol: number, length: number, fragment = 0, first = 0x45): Uint8Array {
  return hex(
    [first, 0, length >> 8, length & 255, 0x12, 0x34, fragment >> 8, fragment & 255, 64, protocol, 0, 0],
    '0a 00 00 01 c0 00 02 07',
  );
}

function ipv6(next: number, length: number): Uint8Array {
  return hex(
    [0x60, 0, 0, 0, length >> 8, length & 255, next, 64],
    '20 01 0d b8 00*11 01',
    '20 01 0d b8 00*11 02',
  );
}

function udp(length: number, payload: Uint8Array): Uint8Array {
  return hex('9c 40 ca 6c', [length >> 8, length & 255], '00 00', payload);
}

const DATAGRAM = udp(12, hex('04 00 00 00'));

describe('Ethernet', () => {
  test('addresses, type, IPv4 and UDP', () => {
    const packet = read(hex(MACS, '08 00', ipv4(17, 32), DATAGRAM, '00*14'));
    expect(packet).toMatchObject({
      sourceMac: 0x02000000000c,
      destinationMac: 0x020000000001,
      etherType: 0x0800,
      outerEtherType: 0x0800,
      malformed: undefined,
      ipVersion: 4,
      protocol: 17,
      sourcePort: 40000,
      destinationPort: 51820,
      payloadLength: 4,
      payloadHead: 0x04000000,
    });
    expect(addressText(4, packet.destination)).toBe('192.0.2.7');
    expect(packet.payloadEnd - packet.payloadOffset).toBe(4);
  });

  test('tags are counted and looked through; the outer type stays', () => {
    const frame = hex(MACS, '88 a8 00 01 81 00 00 02 08 00', ipv4(17, 32), DATAGRAM);
    expect(read(frame)).toMatchObject({
      outerEtherType: 0x88a8,
      etherType: 0x0800,
      vlanTags: 2,
      destinationPort: 51820,
    });
    expect(read(hex(MACS, '81 00 00')).malformed).toBe('tag-short');
  });

  test('a length instead of a type is LLC, and SNAP shows what is inside', () => {
    expect(read(hex(MACS, '00 26 42 42 03', '00*35'))).toMatchObject({
      outerEtherType: 0,
      etherType: 0,
      ipVersion: 0,
    });
    const snap = hex(MACS, '00 28 aa aa 03 00 00 00 08 00', ipv4(17, 32), DATAGRAM);
    expect(read(snap)).toMatchObject({ outerEtherType: 0, etherType: 0x0800, destinationPort: 51820 });
  });

  test('ARP gives its operation for Ethernet and IPv4 only', () => {
    const body = '02 00 00 00 00 0c 0a 00 00 01 00 00 00 00 00 00 0a 00 00 02';
    expect(read(hex(MACS, '08 06 00 01 08 00 06 04 00 01', body)).arpOperation).toBe(1);
    expect(read(hex(MACS, '08 06 00 06 08 00 06 04 00 01', body)).arpOperation).toBe(-1);
    expect(read(hex(MACS, '08 06 00 01')).malformed).toBe('arp-short');
  });
});

describe('malformed', () => {
  test.each([
    ['ethernet-short', hex(MACS)],
    ['ip-short', hex(MACS, '08 00 45 00')],
    ['ip-version', hex(MACS, '08 00', ipv4(17, 32, 0, 0x65), DATAGRAM)],
    ['ip-header-length', hex(MACS, '08 00', ipv4(17, 32, 0, 0x44), DATAGRAM)],
    ['ip-total-length', hex(MACS, '08 00', ipv4(17, 33), DATAGRAM)],
    ['ip-total-length', hex(MACS, '08 00', ipv4(17, 19), DATAGRAM)],
    ['udp-short', hex(MACS, '08 00', ipv4(17, 27), DATAGRAM)],
    ['udp-length', hex(MACS, '08 00', ipv4(17, 32), udp(13, hex('00*4')))],
    ['udp-length', hex(MACS, '08 00', ipv4(17, 32), udp(7, hex('00*4')))],
    ['tcp-short', hex(MACS, '08 00', ipv4(6, 39), '00*20')],
    ['tcp-offset', hex(MACS, '08 00', ipv4(6, 40), '00*12 40 00*7')],
    ['tcp-offset', hex(MACS, '08 00', ipv4(6, 40), '00*12 60 00*7')],
    ['icmp-short', hex(MACS, '08 00', ipv4(1, 23), '08 00 00')],
    ['ip-total-length', hex(MACS, '86 dd', ipv6(17, 13), DATAGRAM)],
    ['ip6-extension', hex(MACS, '86 dd', ipv6(0, 8), '11 01 00*6')],
    ['ip6-extension', hex(MACS, '86 dd', ipv6(60, 4), '11 00 00 00')],
  ])('%s', (reason, frame) => {
    expect(read(frame).malformed).toBe(reason);
  });
});

describe('fragments', () => {
  test('a first one has ports and may be shorter than its datagram', () => {
    const packet = read(hex(MACS, '08 00', ipv4(17, 32, 0x2000), udp(2000, hex('00*4'))));
    expect(packet).toMatchObject({
      malformed: undefined,
      moreFragments: true,
      fragmentOffset: 0,
      destinationPort: 51820,
      fragmentIdentification: 0x1234,
    });
  });

  test('a later one has none, whatever its payload looks like', () => {
    const packet = read(hex(MACS, '08 00', ipv4(17, 32, 0x0001), DATAGRAM));
    expect(packet).toMatchObject({
      fragmentOffset: 8,
      moreFragments: false,
      sourcePort: -1,
      destinationPort: -1,
    });
  });

  test('IPv6: the fragment header, atomic or not, and what must not follow a later one', () => {
    const atomic = read(hex(MACS, '86 dd', ipv6(44, 20), '11 00 00 00 00 00 00 07', DATAGRAM));
    expect(atomic).toMatchObject({
      fragmentHeader: true,
      fragmentOffset: 0,
      destinationPort: 51820,
      fragmentIdentification: 7,
    });
    const later = read(hex(MACS, '86 dd', ipv6(44, 20), '11 00 00 08 00 00 00 07', DATAGRAM));
    expect(later).toMatchObject({
      fragmentOffset: 8,
      destinationPort: -1,
      protocol: 17,
      malformed: undefined,
    });
    expect(read(hex(MACS, '86 dd', ipv6(44, 20), '3c 00 00 08 00 00 00 07', DATAGRAM)).malformed).toBe(
      'ip6-extension',
    );
  });
});

describe('IPv6 extension headers', () => {
  test('are walked to the upper layer', () => {
    const packet = read(
      hex(MACS, '86 dd', ipv6(0, 28), '3c 00 05 02 00 00 01 00', '11 00 01 04 00*4', DATAGRAM),
    );
    expect(packet).toMatchObject({
      protocol: 17,
      destinationPort: 51820,
      extensionCount: 2,
      ipOptions: true,
    });
  });

  test('stop at AH, as the kernel does', () => {
    const packet = read(hex(MACS, '86 dd', ipv6(51, 36), '11 04 00 00 00*20', DATAGRAM));
    expect(packet).toMatchObject({ protocol: 51, sourcePort: -1, malformed: undefined });
  });
});

describe('other link types', () => {
  const octets = hex(ipv4(17, 32), DATAGRAM);
  test.each([
    ['raw IP', LinkType.RAW, octets],
    ['BSD loopback', LinkType.NULL, hex('02 00 00 00', octets)],
    ['Linux cooked', LinkType.LINUX_SLL, hex('00 04 00 01 00 06 02 00 00 00 00 0c 00 00 08 00', octets)],
    [
      'Linux cooked 2',
      LinkType.LINUX_SLL2,
      hex('08 00 00 00 00 00 00 02 00 01 04 06 02 00 00 00 00 0c 00 00', octets),
    ],
    ['PPP', LinkType.PPP, hex('ff 03 00 21', octets)],
    ['Cisco HDLC', LinkType.CISCO_HDLC, hex('0f 00 08 00', octets)],
    ['802.11', LinkType.IEEE802_11, hex('08 01 00 00 00*18 00 00', 'aa aa 03 00 00 00 08 00', octets)],
  ])('%s', (_name, linkType, frame) => {
    expect(read(frame, linkType)).toMatchObject({
      ipVersion: 4,
      destinationPort: 51820,
      malformed: undefined,
    });
  });
});

/** Frames that are nearly plain tunnel packets, each wrong or unusual in one place. */
const plainish = fc
  .record({
    length: fc.integer({ min: 0, max: 70 }),
    changes: fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 255 })), {
      maxLength: 2,
    }),
    wire: fc.integer({ min: 0, max: 80 }),
  })
  .map(({ length, changes, wire }) => {
    const frame = hex(MACS, '08 00', ipv4(17, 52), udp(32, hex('04 00 00 00 11*20')), '00*20').slice(
      0,
      70 - Math.floor(length / 3),
    );
    for (const [at, value] of changes) if (at < frame.length) frame[at] = value;
    return { frame, wire: wire < 40 ? frame.length : wire };
  });

test('reused facts say the same as fresh ones, for any sequence of frames', () => {
  fc.assert(
    fc.property(fc.array(plainish, { minLength: 2, maxLength: 6 }), (frames) => {
      const reused = new ParsedPacket();
      for (const { frame, wire } of frames) {
        readHeaders(frame, 0, frame.length, wire, LinkType.ETHERNET, reused);
        expect(reused).toEqual(read(frame, LinkType.ETHERNET, wire));
      }
    }),
    { numRuns: 1000 },
  );
});

test('nothing outside the frame is read', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 90 }),
      fc.constantFrom(...Object.values(LinkType)),
      fc.boolean(),
      (bytes, linkType, tagged) => {
        const frame = tagged ? hex(MACS, '08 00', bytes) : bytes;
        const results = [0x00, 0xff, 0x45].map((poison) => {
          const whole = new Uint8Array(frame.length + 80).fill(poison);
          whole.set(frame, 8);
          const packet = new ParsedPacket();
          readHeaders(whole, 8, 8 + frame.length, frame.length, linkType, packet);
          return copyPacket(packet);
        });
        expect(results[1]).toEqual(results[0]);
        expect(results[2]).toEqual(results[0]);
      },
    ),
    { numRuns: 1000 },
  );
});
