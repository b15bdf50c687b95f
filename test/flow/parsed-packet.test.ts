// Checks that a copy of facts has every field. Holds src/flow/facts.ts.

import { expect, it } from 'vitest';
import { Connection, ParsedPacket, copyPacket, payloadByte } from '../../src/flow/parsed-packet.ts';

it('a copy has every field of its original, arrays of its own, no connection and no buffer', () => {
  const from = new ParsedPacket();
  const fields = from as unknown as Record<string, unknown>;
  Object.keys(from).forEach((name, at) => {
    if (from[name as keyof ParsedPacket] instanceof Uint32Array) (fields[name] as Uint32Array).fill(at);
    else fields[name] = Symbol(name);
  });
  from.connection = new Connection();
  from.payloadOffset = 0;
  from.payloadEnd = 1;
  from.bytes = Uint8Array.of(7);
  const into = new ParsedPacket();
  for (const copy of [copyPacket(from), copyPacket(from, into)]) {
    expect(Object.entries(copy)).toEqual(
      Object.entries({ ...fields, connection: undefined, bytes: undefined }),
    );
    for (const name of ['source', 'destination', 'target'] as const) expect(copy[name]).not.toBe(from[name]);
    expect([payloadByte(from, 0), payloadByte(copy, 0)]).toEqual([7, -1]);
  }
  expect(copyPacket(from, into)).toBe(into);
});

it('facts have no methods, which would not come through a pipe', () => {
  expect(Object.getOwnPropertyNames(ParsedPacket.prototype)).toEqual(['constructor']);
});
