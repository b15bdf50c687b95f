// Checks that the kernel, with the compiled ruleset on a real bridge, does with every frame what the judge says. Holds README.md, guarantee
// 2. What crosses is read at the far end, why from the counters.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnsweredNames } from '../../src/guard/answers/answered-names.ts';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import type { Judge } from '../../src/policy/judge.ts';
import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import { compileRuleset } from '../../src/policy/compile/nft.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { differences } from '../../src/policy/compile/readback.ts';
import { mutants } from '../policy/mutants.ts';
import { LONG } from './light-log.ts';
import {
  ANSWERED,
  ANSWERED_LEARNED,
  ANYWHERE,
  BARE,
  CHANGED,
  SERVER_GROUP,
  SERVER_GROUP_LEARNED,
  FULL,
  IKE_STREAMS,
  LEARNED,
  NAMES,
  NEBULA,
  PASSING,
  RANGES,
  RANGES_LEARNED,
  SPLIT,
  STUB,
  STUB_SHUT,
  TAILSCALE,
  TRANSLATED,
  ZEROTIER,
} from '../policy/policies.ts';
import { FORMS, NAMED } from '../policy/shapes-forms.ts';
import { SHAPES } from '../policy/shapes.ts';
import type { Shape } from '../policy/shape.ts';
import { Wire } from './differential-wire.ts';

let wire: Wire;

beforeAll(async () => {
  wire = await Wire.raise(process.pid.toString(36));
});

afterAll(async () => {
  await wire.close();
});

const ETHERNET = 1;
/** Behind every tag, too: of tags no policy says anything. */
const ALL_FORMS: ReadonlySet<Policy> = new Set([FULL, STUB, SPLIT]);
/** For each policy and way: LEAKGUARD_LONG=1 (npm run bench -- wire differential) bends all that the suite once did. */
const MUTANTS = LONG ? 2_000 : 600;

/** What was read of a frame: every policy judges the same frames, and what answers have opened is all that differs. */
const READ = new WeakMap<Uint8Array, ParsedPacket>();
const OPENED = new WeakMap<LearnedState, AnsweredNames>();

/** As a tap reads it that knows what answers have opened; the same object until the frame is read for another. */
function factsOf(bytes: Uint8Array, direction: 'up' | 'down', learned: LearnedState): ParsedPacket {
  const packet = READ.get(bytes) ?? dissected(bytes);
  const names = OPENED.get(learned) ?? openedBy(learned);
  READ.set(bytes, packet);
  OPENED.set(learned, names);
  names.recall(packet, direction, 0);
  return packet;
}

function openedBy({ answered }: LearnedState): AnsweredNames {
  const names = new AnsweredNames();
  names.give(answered, 0);
  return names;
}

function dissected(bytes: Uint8Array): ParsedPacket {
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(bytes, 0, bytes.length, bytes.length, ETHERNET, packet);
  dissector.application(bytes, packet, 0);
  return packet;
}

/**
 * Rows of the table of known limits: nft compares a field with a constant, never two fields, and matches no name that
 * it has to look for. What is malformed in these ways the judge calls a leak whatever the kernel does with it; what
 * goes to or comes from port 53 without a question that can be read crosses or not by bytes that are no facts.
 */
function isKnownLimit(packet: ParsedPacket, direction: 'up' | 'down', { profile }: Policy): boolean {
  const { malformed, sourcePort, destinationPort, protocol, findings } = packet;
  // The kernel believes the next header of an extension header that is longer than its packet, and counts by that.
  if (malformed === 'tcp-offset' || malformed === 'ip6-extension') return true;
  if (malformed === 'udp-length' && destinationPort === 53) return true;
  if (direction === 'down') return protocol === 17 && sourcePort === 53 && findings.names.length !== 1;
  if (profile !== 'split' || destinationPort !== 53) return false;
  // A piece of a question is stopped whatever it holds; of a whole one the name has to be readable.
  if (protocol === 6) return packet.questions.includes(undefined);
  return findings.names.length === 0;
}

interface Sums {
  readonly crossed: ReadonlyMap<string, number>;
  readonly counted: Readonly<Record<string, number>>;
}

function tally(items: Iterable<string>): Map<string, number> {
  const sums = new Map<string, number>();
  for (const item of items) sums.set(item, (sums.get(item) ?? 0) + 1);
  return sums;
}

function expected(judge: Judge, shapes: readonly Shape[], learned: LearnedState): Sums {
  const read = shapes.map((shape) => ({ shape, packet: factsOf(shape.bytes, shape.direction, learned) }));
  const crossing = read.filter(({ shape, packet }) => judge.crosses(packet, shape.direction));
  const counters = read.map(({ shape, packet }) => judge.counter(packet, shape.direction));
  const counted = tally(counters.filter((name) => name !== ''));
  return {
    crossed: tally(crossing.map(({ shape }) => Buffer.from(shape.bytes).toString('hex'))),
    counted: Object.fromEntries([...counted].sort()),
  };
}

/** Known limits are left out, but for what must hold even there: the judge never calls one of them safe. */
function comparable(policy: Policy, shapes: readonly Shape[]): Shape[] {
  return shapes.filter(
    (shape) => !isKnownLimit(factsOf(shape.bytes, shape.direction, NOTHING_LEARNED), shape.direction, policy),
  );
}

const JUDGED = /^(up|down)_(tunnel|essential|allowed|pass|leak)_/;

/** Frames sent at a time: less than a veth holds, so that none is lost before the bridge sees it. */
const BATCH = 500;

/** Not a group's address, nor none. */
function hasSender({ bytes }: Shape): boolean {
  const source = bytes.subarray(6, 12);
  return (source[0] ?? 0) % 2 === 0 && source.some((byte) => byte !== 0);
}

/** LLDP, and what has no sender: the bridge takes or drops these before any hook. */
function isHeldByBridge(shape: Shape): boolean {
  return (shape.bytes[5] === 0x0e && shape.bytes[0] === 1) || !hasSender(shape);
}

async function measured(direction: 'up' | 'down', shapes: readonly Shape[]): Promise<Sums> {
  // Whom the kernel has learned from frames that came down answers nobody here.
  await wire.forget();
  const before = await wire.counters();
  let after = before;
  const grown = (): number =>
    [...after].reduce(
      (sum, [name, value]) => sum + (JUDGED.test(name) ? value - (before.get(name) ?? 0) : 0),
      0,
    );
  const arrived = await wire.arrivals(direction === 'up' ? 'wan' : 'lan', async () => {
    for (let at = 0; at < shapes.length; at += BATCH) {
      const batch = shapes.slice(at, at + BATCH);
      await wire.send(
        direction === 'up' ? 'lan' : 'wan',
        batch.map(({ bytes }) => bytes),
      );
      // A frame that is never counted ends the waiting all the same, and shows in the comparison.
      const uncounted = shapes.slice(0, at + BATCH).filter(isHeldByBridge).length;
      for (let reading = 0; reading < 60; reading += 1) {
        after = await wire.counters();
        if (grown() >= at + batch.length - uncounted) break;
      }
    }
  });
  const counted = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
  const counting = counted.filter(([name, value]) => JUDGED.test(name) && value > 0);
  return {
    crossed: tally(arrived),
    counted: Object.fromEntries(counting.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

const CASES: readonly { name: string; policy: Policy; learned: LearnedState }[] = [
  { name: 'full-tunnel', policy: FULL, learned: LEARNED },
  { name: 'full-tunnel, one endpoint, nothing learned', policy: BARE, learned: NOTHING_LEARNED },
  { name: 'full-tunnel under a pass', policy: FULL, learned: PASSING },
  { name: 'proxy-stub', policy: STUB, learned: LEARNED },
  { name: 'proxy-stub, nothing direct', policy: STUB_SHUT, learned: LEARNED },
  { name: 'split', policy: SPLIT, learned: LEARNED },
  { name: 'split to answered addresses', policy: ANSWERED, learned: ANSWERED_LEARNED },
  { name: 'ranges of ports and networks', policy: RANGES, learned: RANGES_LEARNED },
  { name: 'a network with NAT64 of its own', policy: RANGES, learned: TRANSLATED },
  { name: 'a network with NAT64 of its own, every protocol', policy: FULL, learned: TRANSLATED },
  { name: 'server groups of servers', policy: SERVER_GROUP, learned: SERVER_GROUP_LEARNED },
  { name: 'peers anywhere', policy: ANYWHERE, learned: LEARNED },
  { name: 'WireGuard with other packets', policy: CHANGED, learned: LEARNED },
  { name: 'IKE over TCP', policy: IKE_STREAMS, learned: LEARNED },
  { name: "Tailscale's mesh", policy: TAILSCALE, learned: LEARNED },
  { name: "Nebula's mesh", policy: NEBULA, learned: LEARNED },
  { name: "ZeroTier's mesh", policy: ZEROTIER, learned: LEARNED },
  { name: 'long names and random ones', policy: NAMES, learned: NOTHING_LEARNED },
];

// What the bridge holds by its sender it holds with any other change, too.
const BENT = mutants(SHAPES.filter(hasSender), 4_000, 0xbad);
const bentOf = (direction: 'up' | 'down'): Shape[] =>
  mutants(
    SHAPES.filter((shape) => shape.direction === direction && hasSender(shape)),
    MUTANTS,
  );
const MUTANTS_OF = { up: bentOf('up'), down: bentOf('down') };

describe.each(CASES)('in block mode, $name,', ({ policy, learned }) => {
  const judge = compileJudge(policy, learned);

  beforeAll(async () => {
    const ruleset = compileRuleset(policy, { blockMode: true, learned, boxMacs: ['02:00:00:00:00:bb'] });
    await wire.load(ruleset);
    expect(differences(await wire.listing(), ruleset)).toEqual([]);
  });

  it.each(['up', 'down'] as const)('the named shapes going %s', async (direction) => {
    const shapes = comparable(
      policy,
      (LONG || (ALL_FORMS.has(policy) && learned === LEARNED) ? FORMS : NAMED).filter(
        (shape) => shape.direction === direction,
      ),
    );
    const real = await measured(direction, shapes);
    const said = expected(judge, shapes, learned);
    const nameOf = new Map(shapes.map(({ name, bytes }) => [Buffer.from(bytes).toString('hex'), name]));
    const names = (sums: Sums): string[] =>
      [...sums.crossed.keys()].map((hex) => nameOf.get(hex) ?? hex).sort();
    expect(names(real)).toEqual(names(said));
    expect(real.counted).toEqual(said.counted);
  });

  it.each(['up', 'down'] as const)('mutants of them going %s', async (direction) => {
    const shapes = comparable(policy, MUTANTS_OF[direction]);
    const real = await measured(direction, shapes);
    const said = expected(judge, shapes, learned);
    expect([...real.crossed.keys()].filter((hex) => !said.crossed.has(hex))).toEqual([]);
    expect([...said.crossed.keys()].filter((hex) => !real.crossed.has(hex))).toEqual([]);
    expect(real.counted).toEqual(said.counted);
  });

  it('what is malformed where the kernel cannot see it is a leak to the judge, and crosses only as what it seems', async () => {
    const shapes = BENT.filter(({ bytes, direction }) =>
      isKnownLimit(factsOf(bytes, direction, learned), direction, policy),
    );
    expect(shapes.length).toBeGreaterThan(20);
    const read = shapes.map((shape) => ({ shape, packet: factsOf(shape.bytes, shape.direction, learned) }));
    const broken = read.filter(({ packet }) => packet.malformed !== undefined);
    const safe = broken.filter(
      ({ shape, packet }) => judge.judge(packet, shape.direction).verdict !== 'leak',
    );
    expect(safe.map(({ shape }) => shape.name)).toEqual([]);
    const extensions = broken.filter(
      ({ shape, packet }) => shape.direction === 'up' && packet.malformed === 'ip6-extension',
    );
    const { crossed } = await measured(
      'up',
      extensions.map(({ shape }) => shape),
    );
    expect([...crossed.keys()]).toEqual([]);
  });
});
