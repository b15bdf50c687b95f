// Checks that README's table of essential traffic is the policy's, and that nothing else crosses in block mode.

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { counterName } from '../../src/policy/compile/counted.ts';
import { essentialRules } from '../../src/policy/filter/essential.ts';
import { ESSENTIAL_TRAFFIC, essentialTable } from './essential-traffic.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { BARE, FULL, LEARNED, SPLIT, STUB } from './policies.ts';
import { FORMS } from './shapes-forms.ts';
import { ESSENTIAL } from './shapes-essential.ts';
import { NEIGHBOURS } from './shapes-neighbours.ts';

function factsOf(bytes: Uint8Array): ParsedPacket {
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(bytes, 0, bytes.length, bytes.length, 1, packet);
  dissector.application(bytes, packet, 0);
  return packet;
}

describe('the table of essential traffic', () => {
  it('stands in README as the policy has it', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    const [, found = ''] =
      /<!-- essential traffic -->\n\n([\s\S]*?)\n\n<!-- end of essential traffic -->/.exec(readme) ?? [];
    expect(found).toBe(essentialTable());
  });

  it.each([FULL, BARE, STUB, SPLIT])('has a row for every rule of the policy', (policy) => {
    const rows = new Set(ESSENTIAL_TRAFFIC.map(({ direction, counter }) => `${direction} ${counter}`));
    for (const direction of ['up', 'down'] as const)
      for (const family of [4, 6] as const)
        for (const form of ['plain', 'odd'] as const)
          for (const { kind } of essentialRules(policy, LEARNED, form, family, direction))
            expect(rows).toContain(`${direction} ${kind}`);
  });

  it.each(NEIGHBOURS)(
    'lets who looks for its tunnel find it, and nobody else: $name',
    ({ direction, bytes, crosses }) => {
      expect(compileJudge(FULL, LEARNED).crosses(factsOf(bytes), direction)).toBe(crosses);
    },
  );

  it.each(ESSENTIAL)('takes what networks really send, and nothing that resembles it: $name', (shape) => {
    const judge = compileJudge(FULL, LEARNED);
    const packet = factsOf(shape.bytes);
    expect(judge.crosses(packet, shape.direction)).toBe(shape.crosses);
    const { verdict } = judge.judge(packet, shape.direction);
    expect(verdict === 'leak').toBe(!shape.crosses || shape.verdict === 'leak');
  });

  it('is all that crosses in block mode of 400 forms up and 100 down, besides the tunnel', () => {
    const judge = compileJudge(BARE, LEARNED);
    const rows = new Set(
      ESSENTIAL_TRAFFIC.map(({ direction, counter }) => counterName(direction, 'essential', counter)),
    );
    for (const [direction, least] of [
      ['up', 400],
      ['down', 100],
    ] as const) {
      const forms = FORMS.filter((form) => form.direction === direction);
      expect(forms.length).toBeGreaterThanOrEqual(least);
      const others = forms.filter(({ bytes }) => {
        const packet = factsOf(bytes);
        const counter = judge.counter(packet, direction);
        return (
          judge.crosses(packet, direction) &&
          !counter.startsWith(`${direction}_tunnel_`) &&
          !rows.has(counter)
        );
      });
      // The one question that comes on top, and its answer: a policy with an IPv4 server needs them where there is no IPv4.
      const asks = /^the (question|answer) for NAT64( over IPv6| with a cookie)?(, behind a priority tag)?$/;
      const besides = others.filter(({ name }) => !asks.test(name));
      expect(besides.map(({ name }) => name)).toEqual([]);
      expect(others.length).toBe(direction === 'up' ? 6 : 2);
      // Behind any tag nothing is known to be essential.
      const tagged = forms.filter(
        ({ name, bytes }) => / behind /.test(name) && judge.crosses(factsOf(bytes), direction),
      );
      expect(
        tagged.filter(({ name }) => /, behind (a VLAN|a service|two) /.test(name)).map(({ name }) => name),
      ).toEqual([]);
    }
  }, 60_000);
});
