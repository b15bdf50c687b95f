// Checks that a capture of an uplink is read as if nothing were wrapped round its frames. Follows IEEE 802.1Q and RFC 2516. Frames are
// built octet by octet in test/policy/frames.ts.

import { describe, expect, test } from 'vitest';
import { UplinkSink } from '../../../src/flow/headers/uplink.ts';
import type { Wrapping } from '../../../src/flow/headers/uplink.ts';
import * as made from '../../policy/frames.ts';
import type { Bytes } from '../../policy/frames.ts';

const PACKET = made.ipv4(17, made.udp(4000, 53, made.dnsQuery('a.example')));
const PLAIN = [...made.ethernet(0x0800, PACKET)];

function tagged(frame: Bytes, ...tags: readonly (readonly [number, number])[]): Bytes {
  const shims = tags.flatMap(([type, vid]) => [...made.u16(type), ...made.u16(vid)]);
  return [...frame.slice(0, 12), ...shims, ...frame.slice(12)];
}

function pppoe(protocol: number, payload: Bytes, padding = 0): Bytes {
  const header = [0x11, 0, 0, 1, ...made.u16(payload.length + 2), ...made.u16(protocol)];
  return [...made.ethernet(0x8864, [...header, ...payload, ...made.fill(padding, 0)])];
}

function read(frames: readonly Bytes[], wrappings: readonly Wrapping[]) {
  const seen: { bytes: number[]; wireLength: number }[] = [];
  let aside = 0;
  const sink = new UplinkSink(
    {
      packet(bytes, start, end, wireLength) {
        seen.push({ bytes: [...bytes.subarray(start, end)], wireLength });
      },
      aside() {
        aside += 1;
      },
    },
    wrappings,
  );
  for (const frame of frames) sink.packet(Uint8Array.from(frame), 0, frame.length, frame.length, 1, 0);
  return {
    seen: seen.map(({ bytes }) => bytes),
    lengths: seen.map(({ wireLength }) => wireLength),
    aside,
    all: sink.all,
  };
}

const VLAN = tagged(PLAIN, [0x8100, 7]);

describe('a priority tag', () => {
  test.each(Array.from({ length: 16 }, (_, bits) => bits << 12))('%d is no VLAN', (control) => {
    for (const wrappings of [[], ['vlan']] as const) {
      const { seen, lengths, all } = read([tagged(PLAIN, [0x8100, control])], wrappings);
      expect([seen, lengths, all]).toEqual([[PLAIN], [PLAIN.length], []]);
    }
  });
});

describe('vlan', () => {
  test.each([
    ['one tag', [[0x8100, 7]]],
    ['the highest', [[0x8100, 0xefff]]],
    [
      'two tags',
      [
        [0x88a8, 7],
        [0x8100, 8],
      ],
    ],
    [
      'the old number',
      [
        [0x9100, 7],
        [0x8100, 8],
      ],
    ],
    [
      'a priority behind it',
      [
        [0x8100, 7],
        [0x8100, 0],
      ],
    ],
  ] as const)('%s is taken off when asked for, and left otherwise', (_case, tags) => {
    const frame = tagged(PLAIN, ...tags);
    expect(read([frame], ['vlan'])).toEqual({
      seen: [PLAIN],
      lengths: [PLAIN.length],
      aside: 0,
      all: ['vlan'],
    });
    expect(read([frame], [])).toEqual({ seen: [frame], lengths: [frame.length], aside: 0, all: ['vlan'] });
  });

  test('is found only where all frames are so; what no bridge hands on does not count', () => {
    const lldp = [...made.ethernet(0x88cc, made.fill(40), { to: '01:80:c2:00:00:0e' })];
    expect(read([VLAN, VLAN], []).all).toEqual(['vlan']);
    expect(read([VLAN, lldp], []).all).toEqual(['vlan']);
    expect(read([VLAN, PLAIN], []).all).toEqual([]);
    expect(read([lldp], []).all).toEqual([]);
    expect(read([], []).all).toEqual([]);
  });
});

describe('pppoe', () => {
  const PPPOE = pppoe(0x21, PACKET);

  test('IP is a frame of its own, without what fills up the outer one', () => {
    expect(read([PPPOE, pppoe(0x21, PACKET, 9)], ['pppoe']).seen).toEqual([PLAIN, PLAIN]);
    const six = made.ipv6(17, made.udp(1, 2, made.fill(9)));
    expect(read([pppoe(0x57, six)], ['pppoe']).seen).toEqual([[...made.ethernet(0x86dd, six)]]);
  });

  test('in a VLAN too', () => {
    const both = tagged(PPPOE, [0x8100, 7]);
    expect(read([both], ['pppoe']).seen).toEqual([PLAIN]);
    expect(read([both], []).all).toEqual(['vlan', 'pppoe']);
  });

  test.each([0xc021, 0xc023, 0xc223, 0x8021, 0x8057, 0x80fd])(
    'PPP about the link itself is set aside: %d',
    (protocol) => {
      const discovery = [...made.ethernet(0x8863, [0x11, 9, 0, 0, 0, 0])];
      const { seen, aside, all } = read([pppoe(protocol, made.fill(9)), discovery], ['pppoe']);
      expect([seen, aside, all]).toEqual([[], 2, ['pppoe']]);
    },
  );

  test('what else it carries is judged as it stands', () => {
    const sealed = pppoe(0xfd, made.fill(20));
    expect(read([sealed], ['pppoe']).seen).toEqual([sealed]);
  });
});

test('no octets cause an exception, and no frame grows', () => {
  for (let length = 0; length < 40; length += 1) {
    for (const frame of [tagged(PLAIN, [0x8100, 7], [0x8100, 0]), pppoe(0x21, PACKET), pppoe(0x21, [])]) {
      for (const wrappings of [[], ['vlan'], ['pppoe'], ['vlan', 'pppoe']] as const) {
        const { seen, aside } = read([frame.slice(0, length)], wrappings);
        expect(seen.length + aside).toBe(1);
        expect(seen[0]?.length ?? 0).toBeLessThanOrEqual(length);
      }
    }
  }
});
