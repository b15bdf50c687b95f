// Lines of proc_net(5) as this kernel prints them, and which socket a frame is put down to.

import { describe, expect, it } from 'vitest';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { attribute, originOf, readSocketTable } from '../../../src/guard/incidents/attribution.ts';
import type { Socket } from '../../../src/guard/incidents/attribution.ts';
import { parseAddress } from '../../../src/wire/ip/address.ts';

const TAIL = '00:00000000 00000000  1000        0';
const UDP = (local: string, remote: string, inode: number): string =>
  `  12: ${local} ${remote} 07 00000000:00000000 ${TAIL} ${inode} 2 0000000000000000 0`;

/** 192.0.2.1 port 40000 and 192.0.2.53 port 53, as a little-endian machine prints them. */
const [HERE, RESOLVER, ANY] = ['010200C0:9C40', '350200C0:0035', '00000000:0000'] as const;
const ANY6 = `${'0'.repeat(32)}:9C40`;
const NONE6 = `${'0'.repeat(32)}:0000`;

function frame(change: Partial<ParsedPacket> = {}): ParsedPacket {
  const packet = new ParsedPacket();
  packet.ipVersion = 4;
  packet.protocol = 17;
  packet.source.set(parseAddress('192.0.2.1')?.words ?? []);
  packet.destination.set(parseAddress('192.0.2.53')?.words ?? []);
  packet.sourcePort = 40000;
  packet.destinationPort = 53;
  return Object.assign(packet, change);
}

const udp = (...lines: string[]): Socket[] =>
  readSocketTable('udp', ['  sl  local_address', ...lines].join('\n'), true);

describe('socket tables', () => {
  it('are read in the byte order of the machine', () => {
    const [little] = udp(UDP(HERE, RESOLVER, 77));
    const [big] = readSocketTable('udp', UDP('C0000201:9C40', 'C0000235:0035', 77), false);
    expect(little).toEqual(big);
    expect(little).toMatchObject({ protocol: 17, ipVersion: 4, localPort: 40000, remotePort: 53, inode: 77 });
  });

  it('hold IPv4 connections of dual-stack sockets as IPv4', () => {
    const mapped = '0000000000000000FFFF0000010200C0:9C40';
    const [socket] = readSocketTable('udp6', UDP(mapped, NONE6, 5), true);
    expect(socket).toMatchObject({ ipVersion: 4, localPort: 40000 });
    expect(socket?.local).toEqual(parseAddress('192.0.2.1')?.words);
  });

  it('leave out what is no socket, and sockets without an owner', () => {
    expect(udp('nonsense', '', UDP(HERE, RESOLVER, 0), '  1: 0100:9C40 x')).toEqual([]);
    expect(readSocketTable('netlink', UDP(HERE, RESOLVER, 77), true)).toEqual([]);
  });

  it('have the protocol of a raw socket where a port would be', () => {
    expect(readSocketTable('raw', UDP('00000000:0001', ANY, 9), true)).toMatchObject([{ protocol: 1 }]);
  });
});

describe('a frame is put down to', () => {
  it.each([
    [
      'its connection',
      [UDP(HERE, RESOLVER, 1), UDP('00000000:9C40', ANY, 2)],
      { inodes: [1], confidence: 'high' },
    ],
    ['a socket bound to its address', [UDP(HERE, ANY, 3)], { inodes: [3], confidence: 'high' }],
    ['its port on any address', [UDP('00000000:9C40', ANY, 2)], { inodes: [2], confidence: 'medium' }],
    [
      'several that share its port',
      [UDP('00000000:9C40', ANY, 2), UDP('00000000:9C40', ANY, 4)],
      { inodes: [2, 4], confidence: 'low' },
    ],
    ['nobody when another address is bound', [UDP('020200C0:9C40', ANY, 2)], undefined],
    ['nobody when the connection is another', [UDP(HERE, '360200C0:0035', 2)], undefined],
    ['nobody when the port is another', [UDP('010200C0:9C41', RESOLVER, 2)], undefined],
  ])('%s', (_, lines, expected) => {
    expect(originOf(frame(), udp(...lines))).toEqual(expected);
  });

  it('a dual-stack socket on any address', () => {
    const sockets = readSocketTable('udp6', UDP(ANY6, NONE6, 6), true);
    expect(originOf(frame(), sockets)).toEqual({ inodes: [6], confidence: 'medium' });
  });

  it('a raw socket, with little confidence', () => {
    const sockets = readSocketTable('raw', UDP('00000000:0001', ANY, 9), true);
    const ping = frame({ protocol: 1, sourcePort: -1, destinationPort: -1 });
    expect(originOf(ping, sockets)).toEqual({ inodes: [9], confidence: 'low' });
  });

  it('nobody when it is no IP, or a later fragment', () => {
    const sockets = udp(UDP(HERE, RESOLVER, 1));
    expect(originOf(frame({ ipVersion: 0 }), sockets)).toBeUndefined();
    expect(originOf(frame({ fragmentOffset: 1480 }), sockets)).toBeUndefined();
  });
});

describe('what is said', () => {
  const dig = { pid: 4711, name: 'dig' };

  it('names a single holder as surely as its socket fits', () => {
    const said = attribute({ inodes: [1], confidence: 'medium' }, [dig]);
    expect(said).toMatchObject({ pid: 4711, name: 'dig', confidence: 'medium' });
  });

  it('is less sure of a socket that several hold', () => {
    const said = attribute({ inodes: [1], confidence: 'high' }, [dig, { pid: 4712, name: 'dig' }]);
    expect(said).toMatchObject({ pid: 4711, confidence: 'low' });
    expect(said.why).toContain('1 more process');
  });

  it('names nobody without a socket or a holder, and says why', () => {
    expect(attribute(undefined, [])).toMatchObject({ pid: null, confidence: 'none' });
    expect(attribute({ inodes: [1], confidence: 'high' }, [])).toMatchObject({
      pid: null,
      confidence: 'none',
    });
  });
});
