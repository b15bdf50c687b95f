// Short dialogues of tunnels and calls, packet by packet. WireGuard white paper section 5.4, OpenVPN's reset exchange, RFC 7296 section
// 1.2, RFC 3948, RFC 5764.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Recognition } from '../../../src/flow/parsed-packet.ts';
import { FlowRecogniser, type FlowDirection } from '../../../src/flow/datagrams/recognise-flow.ts';
import { RECOGNISED } from '../../../src/flow/datagrams/recognise.ts';
import { hex } from '../../wire/hex.ts';

/** Plays packets of alternating or given direction; the client (direction 0) has port 40000. */
function play(
  packets: readonly (readonly [FlowDirection, Uint8Array])[],
  port = 443,
): Recognition | undefined {
  const flow = new FlowRecogniser();
  let last: Recognition | undefined;
  for (const [direction, bytes] of packets) {
    const [from, to] = direction === 0 ? [40000, port] : [port, 40000];
    last = flow.udp(bytes, 0, bytes.length, from, to, direction);
  }
  return last;
}

const n2 = (value: number) => [value & 255, value >> 8];
const initiation = hex('01000000 01020304', 'ab*124', '00*16');
const response = hex('02000000 05060708 01020304', 'cd*64', '00*16');
const data = (counter: number) => hex('04000000 0a0b0c0d', n2(counter), '00*6', '5a*32');
const esp = (sequence: number) => hex('c0ffee01 0000', [sequence >> 8, sequence & 255], '5a*40');
const client = hex('38 1122334455667788 00 00000000');
const answer = hex('40 a1a2a3a4a5a6a7a8 01 00000000 1122334455667788 00000000');
const stun = hex('0001 0000 2112a442', '5a*12');
const dtls = hex(
  '16 feff 0000 000000000000 0036 01 00002a 0000 000000 00002a feff',
  '5a*32',
  '00 00 0002 002f 01 00',
);

describe('FlowRecogniser', () => {
  it('is surest when the other end answers', () => {
    expect(
      play([
        [0, initiation],
        [1, response],
      ]),
    ).toMatchObject({ protocol: 'wireguard', confidence: 0.99, server: 'source' });
    expect(
      play([
        [0, client],
        [1, answer],
      ]),
    ).toMatchObject({ protocol: 'openvpn', confidence: 0.99, server: 'source' });
    const stranger = play([
      [0, initiation],
      [1, response.slice().fill(9, 8, 9)],
    ]);
    expect(stranger?.confidence).toBeLessThan(0.99);
  });

  it('reads IKE in both directions', () => {
    const opening = hex('9385 18f1 63fd aa57', '00*8', '21202208 00000000 0000001c');
    const reply = hex('9385 18f1 63fd aa57 0102030405060708', '21202220 00000000 0000001c');
    expect(
      play(
        [
          [0, opening],
          [1, reply],
        ],
        500,
      )?.confidence,
    ).toBe(0.99);
  });

  it('keeps the server in place whichever way the packet goes', () => {
    expect(
      play([
        [0, initiation],
        [1, response],
        [0, data(0)],
      ])?.server,
    ).toBe('destination');
    expect(
      play([
        [0, initiation],
        [1, response],
        [1, data(0)],
      ])?.server,
    ).toBe('source');
  });

  it('takes data without a handshake when counters grow', () => {
    expect(
      play([
        [0, data(1)],
        [0, data(2)],
      ])?.confidence,
    ).toBeLessThan(RECOGNISED);
    expect(
      play([
        [0, data(1)],
        [0, data(2)],
        [0, data(3)],
      ])?.confidence,
    ).toBeGreaterThanOrEqual(RECOGNISED);
    expect(
      play([
        [0, data(3)],
        [0, data(3)],
        [0, data(3)],
      ])?.confidence,
    ).toBeLessThan(RECOGNISED);
    expect(
      play(
        [
          [0, esp(1)],
          [0, esp(2)],
          [0, esp(3)],
        ],
        4500,
      )?.protocol,
    ).toBe('ipsec');
    expect(
      play(
        [
          [0, esp(3)],
          [0, esp(2)],
          [0, esp(1)],
        ],
        4500,
      )?.confidence,
    ).toBeLessThan(RECOGNISED);
    expect(
      play(
        [
          [0, esp(1)],
          [0, esp(2)],
          [0, esp(3)],
        ],
        4501,
      ),
    ).toBeUndefined();
  });

  it('recognises a padded handshake by both messages only', () => {
    const long = hex('01000000 01020304', 'ab*180', '00*16');
    const reply = hex('02000000 05060708 01020304', 'cd*72', '00*16');
    expect(play([[0, long]])).toBeUndefined();
    expect(play([[1, reply]])).toBeUndefined();
    expect(
      play([
        [0, long],
        [1, reply],
      ])?.variant,
    ).toBe('padded handshake');
  });

  it('keeps the variant that discovery showed', () => {
    const disco = hex('5453f09f92ac', '5a*80');
    expect(
      play([
        [0, disco],
        [0, initiation],
        [1, response],
      ]),
    ).toMatchObject({ variant: 'tailscale', confidence: 0.99 });
  });

  it('takes DTLS for a tunnel, but not beside STUN, before or after', () => {
    expect(play([[0, dtls]])?.protocol).toBe('dtls');
    expect(
      play([
        [0, stun],
        [0, dtls],
      ]),
    ).toBeUndefined();
    expect(
      play([
        [0, dtls],
        [1, stun],
      ]),
    ).toBeUndefined();
  });

  it('takes no random flow for a tunnel', () => {
    const packet = fc.tuple(fc.constantFrom<FlowDirection>(0, 1), fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 20 }), (packets) => {
        expect(play(packets)?.confidence ?? 0).toBeLessThan(RECOGNISED);
      }),
    );
  });
});
