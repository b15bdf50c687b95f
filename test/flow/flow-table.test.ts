// Checks that both directions find the same flow and that the table stays small.

import { describe, expect, test } from 'vitest';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { FlowTable } from '../../src/flow/flow-table.ts';

function packet(sourcePort: number, destinationPort: number, tcpFlags = -1, host = 1): ParsedPacket {
  const made = new ParsedPacket();
  made.ipVersion = 4;
  made.protocol = tcpFlags < 0 ? 17 : 6;
  made.source.set([0, 0, 0xffff, host]);
  made.destination.set([0, 0, 0xffff, 0xc0000207]);
  made.sourcePort = sourcePort;
  made.destinationPort = destinationPort;
  made.tcpFlags = tcpFlags;
  return made;
}

function back(of: ParsedPacket, tcpFlags = of.tcpFlags): ParsedPacket {
  const made = packet(of.destinationPort, of.sourcePort, tcpFlags);
  made.source.set(of.destination);
  made.destination.set(of.source);
  return made;
}

describe('one conversation', () => {
  test('is one flow both ways, and the client is who asked', () => {
    const table = new FlowTable(64);
    const there = packet(40000, 53);
    const flow = table.of(there);
    const answer = back(there);
    expect(table.of(answer)).toBe(flow);
    expect([there.fromServer, answer.fromServer]).toEqual([false, true]);
  });

  test('joined midway the system port tells the server', () => {
    const answer = back(packet(40000, 53));
    new FlowTable(64).of(answer);
    expect(answer.fromServer).toBe(true);
  });

  test('joined at the SYN-ACK the sender is the server', () => {
    const answer = back(packet(400, 40000, 0x12));
    new FlowTable(64).of(answer);
    expect(answer.fromServer).toBe(true);
  });

  test('an IPv6 address that maps an IPv4 one is another machine', () => {
    const table = new FlowTable(64);
    const four = packet(1, 2);
    const six = packet(1, 2);
    six.ipVersion = 6;
    expect(table.of(four)).not.toBe(table.of(six));
  });
});

test('a full set pushes out the flow that was silent longest, forgotten and counted', () => {
  const table = new FlowTable(4);
  const first = table.of(packet(1000, 1));
  first.name = 'known.example';
  for (let port = 2; port <= 4; port += 1) table.of(packet(1000, port));
  expect(table.of(packet(1000, 1)).name).toBe('known.example');
  table.of(packet(1000, 5));
  expect(table.evicted).toBe(1);
  expect(table.of(packet(1000, 1)).name).toBe('known.example');
  table.of(packet(1000, 6));
  table.of(packet(1000, 7));
  table.of(packet(1000, 8));
  table.of(packet(1000, 9));
  expect(table.of(packet(1000, 1)).name).toBe('');
});
