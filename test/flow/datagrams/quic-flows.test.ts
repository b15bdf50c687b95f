// Which QUIC names datagrams between two ports show, one connection after the other. Initials are sealed by test/wire/quic-seal.ts, as RFC
// 9001 section 5 has it.

import { expect, test } from 'vitest';
import { nodeQuicCrypto } from '../../../appliance/os/quic-crypto.ts';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { LinkType } from '../../../src/wire/link/link-types.ts';
import * as made from '../../policy/frames.ts';
import type { Bytes } from '../../policy/frames.ts';
import { clientHello } from '../../policy/tls-hello.ts';
import { SEAL_V1, SEAL_V2, sealInitial } from '../../wire/quic-seal.ts';
import type { SealedWith } from '../../wire/quic-seal.ts';

const V1 = 1;
const V2 = 0x6b3343cf;

function initial(name: string, id: string, how: SealedWith = SEAL_V1, version = V1): Bytes {
  // The hello without its record header, in one CRYPTO frame.
  const hello = Buffer.from(clientHello(name).slice(5));
  const frames = Buffer.concat([Buffer.from([6, 0, 0x40 | (hello.length >>> 8), hello.length & 255]), hello]);
  const destinationId = Buffer.from(id);
  return [...sealInitial({ how, version, destinationId, packetNumber: 0, frames, padTo: 1200 })];
}

interface Datagram {
  readonly payload: Bytes;
  readonly from?: number;
  readonly to?: number;
  readonly back?: boolean;
}

function names(datagrams: readonly Datagram[]): string[] {
  const dissector = new Dissector({ quic: nodeQuicCrypto });
  const packet = new ParsedPacket();
  return datagrams.flatMap(({ payload, from = 50_000, to = 443, back = false }, at) => {
    const ports = back ? made.udp(to, from, payload) : made.udp(from, to, payload);
    const hosts = back ? { from: '192.0.2.9', to: '192.0.2.1' } : { from: '192.0.2.1', to: '192.0.2.9' };
    const bytes = made.ethernet(0x0800, made.ipv4(17, ports, hosts));
    dissector.headers(bytes, 0, bytes.length, bytes.length, LinkType.ETHERNET, packet);
    dissector.application(bytes, packet, at);
    return packet.findings.names.map(({ via, name }) => `${via} ${name}`);
  });
}

const FIRST = { payload: initial('first.example', '12345678') };

test('a second connection between the same ports shows its own name', () => {
  const server = {
    payload: [0xc0, ...made.u32(V1), 0, 8, ...made.text('serverid'), ...made.fill(1200)],
    back: true,
  };
  const second = { payload: initial('second.example', 'another!') };
  expect(names([FIRST, server, FIRST, second, second])).toEqual([
    'quic first.example',
    'quic second.example',
  ]);
});

test('a client that takes up another version is read again', () => {
  const offered = { payload: initial('before.example', '12345678', SEAL_V2, V2) };
  const negotiation = {
    payload: [0x80, 0, 0, 0, 0, 0, 8, ...made.text('12345678'), ...made.u32(V1)],
    back: true,
  };
  expect(names([offered, negotiation, FIRST])).toEqual(['quic before.example', 'quic first.example']);
});

test('an Initial says who is the client, whatever ports and order suggest', () => {
  expect(names([{ ...FIRST, from: 443, to: 50_000 }])).toEqual(['quic first.example']);
  const late = { payload: [0x45, ...made.fill(60)], to: 4433, back: true };
  expect(names([late, { ...FIRST, to: 4433 }])).toEqual(['quic first.example']);
});

test('QUIC is read on ports of others', () => {
  for (const to of [53, 123, 500, 3478, 4500, 51_820])
    expect(names([{ ...FIRST, to }])).toEqual(['quic first.example']);
});
