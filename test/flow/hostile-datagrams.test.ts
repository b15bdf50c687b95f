// Checks that names in datagrams, and hellos in pieces, are read whatever the network sends between the same ports, and to others.

import { expect, test } from 'vitest';
import { nodeQuicCrypto } from '../../appliance/os/quic-crypto.ts';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { LinkType } from '../../src/wire/link/link-types.ts';
import * as made from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { clientHello } from '../policy/tls-hello.ts';
import { SEAL_V1, sealInitial } from '../wire/quic-seal.ts';
import { LAPTOP, NAME, SERVER, SPLIT } from './split-wire.ts';

interface Sent {
  readonly frame: Uint8Array;
  readonly down: boolean;
}

/** Rule and name of each leak among the frames that left. */
function leaks(sent: readonly Sent[], dissector = new Dissector({ quic: nodeQuicCrypto })): string[] {
  const judge = compileJudge(SPLIT);
  const packet = new ParsedPacket();
  return sent.flatMap(({ frame, down }, at) => {
    dissector.headers(frame, 0, frame.length, frame.length, LinkType.ETHERNET, packet);
    dissector.application(frame, packet, at, down ? 'down' : 'up');
    if (down) return [];
    const { verdict, rule = '', exposure } = judge.judge(packet, 'up');
    return verdict === 'leak' ? [`${rule} ${exposure}`] : [];
  });
}

const up = (payload: Bytes, to: number, from = 50_000): Sent => ({
  frame: made.ethernet(0x0800, made.ipv4(17, made.udp(from, to, payload), { from: LAPTOP, to: SERVER })),
  down: false,
});
const down = (payload: Bytes, from: number, to = 50_000): Sent => ({
  frame: made.ethernet(0x0800, made.ipv4(17, made.udp(from, to, payload), { from: SERVER, to: LAPTOP }), {
    from: made.ROUTER,
    to: made.CLIENT,
  }),
  down: true,
});

function initial(name: string, id: string): Bytes {
  const hello = Buffer.from(clientHello(name).slice(5));
  const frames = Buffer.concat([Buffer.from([6, 0, 0x40 | (hello.length >>> 8), hello.length & 255]), hello]);
  const destinationId = Buffer.from(id);
  return [...sealInitial({ how: SEAL_V1, version: 1, destinationId, packetNumber: 0, frames, padTo: 1_200 })];
}

test('a QUIC hello is read though the network has said hello between the same ports before', () => {
  const forged = down(initial('a.example', 'anything'), 443);
  expect(leaks([forged, up(initial(NAME, '12345678'), 443)])).toContain(`B ${NAME}`);
});

test('a question on a port of its own is read though the network has sent STUN between the same ports', () => {
  const stun = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...made.fill(12)];
  const asks = (name: string): Sent => up(made.dnsQuery(name), 5_300);
  expect(leaks([asks(NAME)])).toEqual([`B ${NAME}`]);
  // The answer to the question before, from the same socket, is where the network learns the port.
  expect(leaks([asks('www.example'), down(stun, 5_300), asks(NAME)])).toContain(`B ${NAME}`);
});

function segment(
  ports: readonly [number, number],
  sequence: number,
  payload: Bytes,
  of: { flags?: number; down?: boolean } = {},
): Sent {
  const isDown = of.down === true;
  const header = [
    ...ports.flatMap((port) => [...made.u16(port)]),
    ...[...made.u32(sequence), ...made.u32(5_001), 0x50, of.flags ?? 0x18, ...made.u16(1_000), 0, 0, 0, 0],
  ];
  const hosts = isDown ? { from: SERVER, to: LAPTOP } : { from: LAPTOP, to: SERVER };
  const link = isDown ? { from: made.ROUTER, to: made.CLIENT } : {};
  return { frame: made.ethernet(0x0800, made.ipv4(6, [...header, ...payload], hosts), link), down: isDown };
}

/** Ports of the laptop's to which packets of the server's share a set of the table with this connection. */
function colliding(local: number): number[] {
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  const set = ({ frame }: Sent): number => {
    dissector.headers(frame, 0, frame.length, frame.length, LinkType.ETHERNET, packet);
    return setOf(packet);
  };
  const wanted = set(segment([local, 443], 1, []));
  const found: number[] = [];
  for (let port = 1_024; port < local && found.length < 4; port += 1)
    if (set(segment([443, port], 1, [], { down: true })) === wanted) found.push(port);
  return found;
}

/** As src/flow/flow-table.ts has it, without a secret. */
function setOf({
  source,
  destination,
  sourcePort,
  destinationPort,
  ipVersion,
  protocol,
}: ParsedPacket): number {
  const isLow = sourcePort < destinationPort;
  const [low, high] = isLow ? [source, destination] : [destination, source];
  const ports = isLow ? (sourcePort << 16) | destinationPort : (destinationPort << 16) | sourcePort;
  const key = [...low, ...high, ports, (2 << 16) | (ipVersion << 8) | protocol];
  let hash = 0x9e3779b9;
  for (const word of key) {
    hash = Math.imul(hash ^ (word >>> 0), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  return (hash >>> 0) & (2_048 - 1);
}

test('a hello in two pieces is read though the network has sent four packets to other ports of the laptop between them', () => {
  const hello = clientHello(NAME);
  const cut = hello.length - 30;
  const ports = colliding(50_000);
  expect(ports).toHaveLength(4);
  const sent = [
    segment([50_000, 443], 1_000, [], { flags: 2 }),
    segment([50_000, 443], 1_001, hello.slice(0, cut)),
    ...ports.map((port) => segment([443, port], 1, [], { down: true, flags: 0x10 })),
    segment([50_000, 443], 1_001 + cut, hello.slice(cut)),
  ];
  expect(leaks(sent)).toContain(`B ${NAME}`);
});

/** Pieces of one packet, as the laptop sends them or in its name. */
function pieces(payload: Bytes, cut: number, id: number): Uint8Array[] {
  const whole = made.udp(50_000, 53, payload);
  return [whole.slice(0, cut), whole.slice(cut)].map((part, at) =>
    made.ethernet(
      0x0800,
      made.ipv4(17, part, {
        from: LAPTOP,
        to: SERVER,
        identification: id,
        fragment: at === 0 ? 0x2000 : cut / 8,
      }),
    ),
  );
}

test('a question in pieces is read though the network has sent other pieces in its place, and many more', () => {
  const [first, last] = pieces(made.dnsQuery(NAME), 32, 9);
  const [, other] = pieces(made.dnsQuery('xyz.bank.example'), 32, 9);
  if (first === undefined || last === undefined || other === undefined) throw new Error('no pieces');
  const many = Array.from(
    { length: 64 },
    (_, id) => pieces(made.dnsQuery('x.example'), 32, 1_000 + id)[0] ?? first,
  );
  const sent: Sent[] = [
    { frame: first, down: false },
    ...[other, ...many].map((frame) => ({ frame, down: true })),
    { frame: last, down: false },
  ];
  const dissector = new Dissector();
  const packet = new ParsedPacket();
  const names = sent.flatMap(({ frame, down: isDown }, at) => {
    dissector.headers(frame, 0, frame.length, frame.length, LinkType.ETHERNET, packet);
    dissector.application(frame, packet, at, isDown ? 'down' : 'up');
    return isDown ? [] : packet.findings.names.map(({ name }) => name);
  });
  expect(names).toContain(NAME);
});
