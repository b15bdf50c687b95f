// Forged leaks against judge and readings: what proves the box's sight, and what is said when it does not. Holds src/guard/canary/canary.ts
// and canary-frames.ts.

import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { CANARIES_DOWN, CANARIES_UP, SEAL_BYTES, forged } from '../../../src/guard/canary/canary-frames.ts';
import { Canary, PROOF_MS } from '../../../src/guard/canary/canary.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import { BARE, FULL, SPLIT, STUB, STUB_SHUT } from '../../policy/policies.ts';

const MAC = 0x02_00_00_00_ca_4a;
let drawn = 0;
const chance = (count: number): Uint8Array =>
  createHmac('sha512', 'seeded')
    .update(String((drawn += 1)))
    .digest()
    .subarray(0, count);
const seal = new Uint8Array(SEAL_BYTES).fill(0x5e);

describe('the forged leaks', () => {
  const ways = [
    ['up', CANARIES_UP],
    ['down', CANARIES_DOWN],
  ] as const;
  const policies = { FULL, BARE, SPLIT, STUB, STUB_SHUT };
  const rows = ways.flatMap(([direction, shapes]) =>
    shapes.flatMap((shape) =>
      Object.entries(policies)
        .filter(([, { profile, allow }]) => shape.always || (profile === 'full-tunnel' && allow.length === 0))
        .map(([name, policy]) => ({
          direction,
          shape,
          what: `${shape.name} going ${direction} under ${name}`,
          policy,
        })),
    ),
  );
  it.each(rows)('$what is a leak, held, and counted as the table says', ({ direction, shape, policy }) => {
    for (let nth = 0; nth < 20; nth += 1) {
      const frame = forged(shape, 0x06_00_00_00_00_01, MAC, seal, chance);
      const packet = new ParsedPacket();
      const dissector = new Dissector();
      dissector.headers(frame, 0, frame.length, frame.length, 1, packet);
      dissector.application(frame, packet, 0);
      const judge = compileJudge(policy);
      expect(frame.subarray(-SEAL_BYTES)).toEqual(seal);
      expect(packet.sourceMac).toBe(MAC);
      expect([judge.counter(packet, direction), judge.crosses(packet, direction)]).toEqual([
        shape.counter,
        false,
      ]);
      if (direction === 'up') expect(judge.judge(packet, direction).verdict).toBe('leak');
    }
  });
});

describe('a proof', () => {
  /** A box for which all is well, but for what a test breaks. */
  function box(): {
    canary: Canary;
    turn: (broken?: {
      lan?: boolean;
      wan?: boolean;
      held?: boolean;
      judge?: string;
      count?: boolean;
    }) => void;
    fault: () => string | undefined;
    plug: (isOut: boolean) => void;
  } {
    let now = 10_000;
    const values = new Map<string, number>();
    const canary = new Canary({ chance, mac: MAC, seal: () => seal });
    const add = (name: string): void => void values.set(name, (values.get(name) ?? 0) + 1);
    canary.read(now - 10, new Map(values));
    const turn: ReturnType<typeof box>['turn'] = (broken = {}) => {
      now += 1_300;
      const forgery = canary.forge(now, false);
      for (const port of ['lan', 'wan'] as const) {
        if (forgery === undefined) continue;
        const packet = new ParsedPacket();
        const frame = forgery[port];
        new Dissector().headers(frame, 0, frame.length, frame.length, 1, packet);
        const direction = port === 'lan' ? 'up' : 'down';
        const counter = compileJudge(BARE).counter(packet, direction);
        if (broken.count !== true) for (const name of [counter, `canary_${port}`]) add(name);
        add(broken.held === true ? 'leak_passed' : direction === 'up' ? 'leak_dropped' : 'down_dropped');
        serial += 1;
        if (broken[port] === true) continue;
        canary.saw(port, { serial, counter: broken.judge ?? counter, isLeak: true, outgoing: false }, now);
      }
      now += 100;
      canary.read(now - 10, new Map(values));
    };
    let serial = 0;
    return { canary, turn, fault: () => canary.fault(now), plug: (isOut) => canary.withhold(isOut, now) };
  }

  it('stands when both taps saw, the right counters grew and nothing went on', () => {
    const { turn, fault } = box();
    expect(fault()).toContain('has not been proven yet');
    for (let nth = 0; nth < 50; nth += 1) {
      turn();
      expect(fault()).toBeUndefined();
    }
  });

  it.each([
    ['the lan tap does not see', { lan: true }, 'the tap on lan did not see'],
    ['the wan tap does not see', { wan: true }, 'the tap on wan did not see'],
    ['the rules do not hold it', { held: true }, 'the kernel did not count'],
    ['the counters stand still', { count: true }, 'the kernel did not count'],
    ['the judge errs', { judge: 'up_allowed_dns' }, 'was judged as up_allowed_dns'],
  ])('falls within seconds when %s', (_case, broken, said) => {
    const { turn, fault } = box();
    turn();
    expect(fault()).toBeUndefined();
    for (let ms = 0; ms <= PROOF_MS; ms += 1_400) turn(broken);
    expect(fault()).toContain(said);
  });

  it('is not asked for while a port has no cable, and is due again when it has one', () => {
    const { canary, turn, fault, plug } = box();
    turn();
    turn({ lan: true });
    plug(true);
    for (let nth = 0; nth < 5; nth += 1) turn({ lan: true });
    expect([fault(), canary.isWithheld]).toEqual([undefined, true]);
    expect(canary.isLost(Infinity)).toBe(false);
    plug(false);
    expect([fault(), canary.isWithheld]).toEqual([undefined, true]);
    turn();
    expect([fault(), canary.isWithheld]).toEqual([undefined, false]);
    plug(true);
    plug(false);
    for (let ms = 0; ms <= PROOF_MS; ms += 1_400) turn({ lan: true });
    expect(fault()).toContain('the tap on lan did not see');
  });

  it('has been given by each shape when as many were sent as there are shapes', () => {
    let now = 10_000;
    const canary = new Canary({ chance, mac: MAC, seal: () => seal });
    canary.read(now - 10, new Map());
    const sent = (): readonly [string, string] => {
      now += 2_000;
      const forgery = canary.forge(now, false);
      const counterOf = (port: 'lan' | 'wan'): string => {
        const packet = new ParsedPacket();
        const frame = forgery?.[port] ?? new Uint8Array();
        new Dissector().headers(frame, 0, frame.length, frame.length, 1, packet);
        return compileJudge(BARE).counter(packet, port === 'lan' ? 'up' : 'down');
      };
      return [counterOf('lan'), counterOf('wan')];
    };
    const all = CANARIES_UP.map(sent);
    expect(new Set(all.map(([up]) => up))).toEqual(new Set(CANARIES_UP.map(({ counter }) => counter)));
    expect(new Set(all.map(([, down]) => down))).toEqual(
      new Set(CANARIES_DOWN.map(({ counter }) => counter)),
    );
  });

  it('is no proof but a breach when one was seen leaving', () => {
    const { canary, turn, fault } = box();
    turn();
    canary.saw('wan', { serial: 1, counter: 'up_leak_dns', isLeak: true, outgoing: true }, 11_500);
    expect(fault()).toContain('was seen leaving wan');
  });

  it('is not given by a frame of another number', () => {
    const { canary } = box();
    canary.forge(20_000, false);
    canary.saw('lan', { serial: 77, counter: 'up_leak_dns', isLeak: true, outgoing: false }, 20_001);
    expect(canary.fault(20_001)).toContain('the tap on lan did not see');
  });
});
