// Checks that whoever tries out which address a laptop has inside its tunnel is told, and what a flood of it costs. Holds
// src/guard/attacks/tripwire.ts and neighbour-news.ts to README.md, rule T; that such frames are stopped the differential test shows.

import { describe, expect, it } from 'vitest';

import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { NeighbourNews } from '../../src/guard/attacks/neighbour-news.ts';
import { Tripwire } from '../../src/guard/attacks/tripwire.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { FULL, LEARNED } from '../policy/policies.ts';
import { NEIGHBOURS } from '../policy/shapes-neighbours.ts';
import { UNASSIGNED } from '../policy/shapes-unassigned.ts';

const judge = compileJudge(FULL, LEARNED);

function factsOf(bytes: Uint8Array): ParsedPacket {
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(bytes, 0, bytes.length, bytes.length, 1, packet);
  dissector.application(bytes, packet, 0);
  packet.unassignedField = judge.isForNobody(packet, 'down');
  return packet;
}

describe('an address of a tunnel is tried', () => {
  const tried = UNASSIGNED.map(({ name, bytes }) => ({ name, packet: factsOf(bytes) })).filter(
    ({ packet }) => packet.ipVersion !== 0 && packet.malformed === undefined,
  );

  it.each(tried)('$name', ({ packet }) => {
    expect(packet.unassignedField).toBe('destination');
    expect(judge.tunnelOf(packet, 'down')).toBe(-1);
    expect(new NeighbourNews().isNews(packet, 'down', 0)).toBe(true);
    const [networkAttack] = new Tripwire().see({ packet, folded: false });
    expect(networkAttack?.exposure).toBe(`address ${packet.ipVersion === 4 ? '10.66.0.2' : 'fd66::2'} tried`);
  });

  it.each([
    ["solicitation of a tunnel's address by unicast", 'target'],
    ["solicitation of the client, to its tunnel's address", 'destination'],
  ])('%s', (name, which) => {
    const shape = NEIGHBOURS.find((one) => one.name === name);
    const packet = factsOf(shape?.bytes ?? new Uint8Array());
    expect(packet.unassignedField).toBe(which);
    expect(new Tripwire().see({ packet, folded: false })).toMatchObject([
      { exposure: 'address fd66::2 tried' },
    ]);
  });

  it('who asks everybody for somebody else tries nothing', () => {
    const shape = NEIGHBOURS.find(({ name }) => name === "solicitation of a tunnel's address");
    const bytes = Uint8Array.from(shape?.bytes ?? []);
    bytes.set([0x33, 0x33, 0xff, 0, 0, 2], 0);
    expect(factsOf(bytes).unassignedField).toBe('');
  });
});

describe('neighbour discovery', () => {
  const said = (client: number, n: number): ParsedPacket =>
    Object.assign(new ParsedPacket(), {
      ...{ kind: 'nd', icmpType: 135, sourceMac: client },
      target: Uint32Array.of(0x20010db8, 0, 0, n),
    });

  it('of one client costs its own share alone', () => {
    const news = new NeighbourNews();
    const told = Array.from({ length: 1_000 }, (_, n) => news.isNews(said(1, n), 'up', 0));
    expect(told.filter(Boolean)).toHaveLength(32);
    expect(news.isNews(said(2, 1), 'up', 0)).toBe(true);
    expect(news.isNews(said(1, 2_000), 'up', 10_000)).toBe(true);
  });

  it('of any number of clients is bounded', () => {
    const news = new NeighbourNews();
    const told = Array.from({ length: 5_000 }, (_, n) => news.isNews(said(n, n), 'up', 0));
    expect(told.filter(Boolean)).toHaveLength(512);
  });
});
