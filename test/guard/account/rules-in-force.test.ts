// Checks that what rules let out which the kernel had when it left is no breach, whatever the taps judge by, and that all else is one.
// Holds src/guard/account/rules-in-force.ts to README.md, What it guarantees.

import { describe, expect, it } from 'vitest';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { Guard } from '../../../src/guard/guard.ts';
import type { Observation } from '../../../src/guard/observation.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import { NOTHING_LEARNED } from '../../../src/policy/servers/learned.ts';
import type { LearnedState } from '../../../src/policy/servers/learned.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { Bytes } from '../../policy/frames.ts';
import { dnsQuery, ethernet, ipv4, tcp, udp, wireguard } from '../../policy/frames.ts';
import { CLIENT, HOME, policyOf, report } from '../samples.ts';

const NEW = '203.0.113.9';
const ADDED = policyOf(`version: 1
profile: full-tunnel
tunnels:
  - {name: home, protocol: wireguard, endpoints: ["udp:198.51.100.7:51820"]}
  - {name: new, protocol: wireguard, endpoints: ["udp:${NEW}:51820"]}
`);

const BEFORE = 2_000;
const EXPECTED = 3_000;

/** What a tap that judges by HOME tells of a datagram that left at `at`. */
function told(to: string, port: number, payload: Bytes, at: number, folded = false): Observation {
  const frame = Uint8Array.from(ethernet(0x0800, ipv4(17, udp(40_000, port, payload), { to })));
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(frame, 0, frame.length, frame.length, 1, packet);
  dissector.application(frame, packet, 0);
  const judge = compileJudge(HOME);
  return {
    ...{ packet, direction: 'up', client: CLIENT, frames: 1, first: at, last: at, folded },
    ...{ verdict: judge.judge(packet, 'up'), crosses: judge.crosses(packet, 'up') },
    counter: judge.counter(packet, 'up'),
  };
}

const handshake = wireguard(1);
const isNew = (at: number, folded = false): Observation => told(NEW, 51_820, handshake, at, folded);

interface Case {
  readonly seen: Observation;
  readonly obeyed?: readonly ('lan' | 'wan')[];
  readonly refused?: true;
  readonly breach: boolean;
}

const CASES: Readonly<Record<string, Case>> = {
  'the first packet of the new tunnel': { seen: isNew(EXPECTED + 50), breach: false },
  'the same while the lan tap alone has changed': {
    seen: isNew(EXPECTED + 50),
    obeyed: ['lan'],
    breach: false,
  },
  'the same when both taps judge by the new policy': {
    seen: isNew(EXPECTED + 50),
    obeyed: ['lan', 'wan'],
    breach: true,
  },
  'the same when the kernel has refused it': { seen: isNew(EXPECTED + 50), refused: true, breach: true },
  'what left for that server before': { seen: isNew(EXPECTED - 50), breach: true },
  'one of many that were counted together': { seen: isNew(EXPECTED + 50, true), breach: true },
  'a question at the new endpoint': {
    seen: told(NEW, 51_820, dnsQuery('www.bank.example'), EXPECTED + 50),
    breach: true,
  },
  'a handshake on another port': { seen: told(NEW, 51_821, handshake, EXPECTED + 50), breach: true },
  'a handshake with another server': {
    seen: told('203.0.113.10', 51_820, handshake, EXPECTED + 50),
    breach: true,
  },
};

it.each(Object.entries(CASES))('%s', (_what, { seen, obeyed = [], refused, breach }) => {
  const clock = { ms: 1_000 };
  const guard = new Guard(HOME, {
    now: () => ({ wall: 1.7e12 + clock.ms, monotonic: clock.ms }),
    version: '0',
    idPrefix: 't',
  });
  for (const port of ['lan', 'wan'] as const) guard.tap(port, 'up', 'reading');
  guard.setBlockMode(true, true, 1_000);
  guard.firewall({ verified: true, detail: 'equal' });
  clock.ms = BEFORE;
  for (const port of ['lan', 'wan'] as const) guard.report(report(port, [], { at: clock.ms, orders: 1 }));
  clock.ms = EXPECTED;
  guard.expectPolicy(ADDED, NOTHING_LEARNED);
  if (refused === true) guard.callOff();
  else guard.setPolicy(ADDED);
  guard.ordered(3);
  clock.ms += 100;
  // What was learned meanwhile is told in orders of its own: the policy is still the one before.
  for (const port of ['lan', 'wan'] as const)
    guard.report(report(port, [], { at: clock.ms, orders: obeyed.includes(port) ? 3 : 2 }));
  // The report in which a tap says that it obeys has also what it judged before.
  guard.report(report('wan', [seen], { at: clock.ms, orders: 3 }));
  expect(guard.status().state === 'breach').toBe(breach);
});

describe("what both taps call a leak and the new rules let out as the tunnel's", () => {
  it.each([
    ['lan tells first', ['lan', 'wan'], 0, 0],
    ['wan tells first', ['wan', 'lan'], 0, 0],
    ['others to the same server were stopped before', ['lan', 'wan'], 3, 3],
  ] as const)('is no attempt: %s', (_what, order, before, stopped) => {
    const clock = { ms: 1_000 };
    const now = (): { wall: number; monotonic: number } => ({
      wall: 1.7e12 + clock.ms,
      monotonic: clock.ms,
    });
    const guard = new Guard(HOME, { now, version: '0', idPrefix: 't' });
    const tell = (port: 'lan' | 'wan', seen: readonly Observation[]): void => {
      guard.report(report(port, seen, { at: clock.ms, orders: 1 }));
    };
    for (const port of ['lan', 'wan'] as const) guard.tap(port, 'up', 'reading');
    guard.setBlockMode(true, true, 1_000);
    guard.firewall({ verified: true, detail: 'equal' });
    clock.ms = EXPECTED - 700;
    for (const port of ['lan', 'wan'] as const) tell(port, []);
    tell('lan', before === 0 ? [] : [{ ...isNew(EXPECTED - 700), frames: before }]);
    clock.ms = EXPECTED;
    guard.tick();
    guard.expectPolicy(ADDED, NOTHING_LEARNED);
    guard.setPolicy(ADDED);
    guard.ordered(3);
    clock.ms += 60;
    for (const port of order) tell(port, [isNew(EXPECTED + 50)]);
    clock.ms += 600;
    for (const port of ['lan', 'wan'] as const) tell(port, []);
    guard.tick();
    const [incident] = guard.status().incidents;
    expect(incident).toMatchObject({ attempted: stopped, escaped: 0, blocked: stopped });
    expect(incident?.acknowledged).toBe(stopped === 0);
  });
});

const CHANGED = 3_000;
const answeredPolicy = policyOf(`version: 1
profile: split
direct: answered
mustTunnel: [bank.example]
tunnels:
  - {name: home, protocol: wireguard, endpoints: ["udp:198.51.100.7:51820"]}
`);
const PAGE = '198.51.100.80';
const PASS: LearnedState = { ...NOTHING_LEARNED, passes: [{ seconds: 1 }] };
const EXPOSED: LearnedState = {
  ...NOTHING_LEARNED,
  exposed: [{ address: PAGE, name: 'www.bank.example', seconds: 60 }],
};

/** What a tap tells of the first segment to a page, when it has been told of what was learned. */
function visit(policy: Policy, learned: LearnedState, at: number, answered: boolean): Observation {
  const frame = Uint8Array.from(ethernet(0x0800, ipv4(6, tcp(40_000, 443, []), { to: PAGE })));
  const packet = new ParsedPacket();
  new Dissector().headers(frame, 0, frame.length, frame.length, 1, packet);
  packet.answered = answered;
  const judge = compileJudge(policy, learned);
  return {
    ...{ packet, direction: 'up', client: CLIENT, frames: 1, first: at, last: at, folded: false },
    ...{ verdict: judge.judge(packet, 'up'), crosses: judge.crosses(packet, 'up') },
    counter: judge.counter(packet, 'up'),
  };
}

interface Change {
  readonly policy: Policy;
  readonly before: LearnedState;
  readonly after: LearnedState;
  readonly answered?: true;
  readonly never?: true;
}

const CHANGES: Readonly<Record<string, Change>> = {
  'the end of a pass': { policy: HOME, before: PASS, after: NOTHING_LEARNED },
  'a protected name that is shown at an address': {
    ...{ policy: answeredPolicy, before: NOTHING_LEARNED, after: EXPOSED },
    answered: true,
  },
  'the same, and no answer led there': {
    ...{ policy: answeredPolicy, before: NOTHING_LEARNED, after: EXPOSED },
    never: true,
  },
};

describe.each(Object.entries(CHANGES))('%s', (_what, { policy, before, after, answered, never }) => {
  const isBreach = (at: number, last = at): boolean => {
    const clock = { ms: 1_000 };
    const now = (): { wall: number; monotonic: number } => ({
      wall: 1.7e12 + clock.ms,
      monotonic: clock.ms,
    });
    const guard = new Guard(policy, { now, version: '0', idPrefix: 't' });
    for (const port of ['lan', 'wan'] as const) guard.tap(port, 'up', 'reading');
    guard.expectPolicy(policy, before);
    guard.ordered(1);
    guard.setBlockMode(true, true, 1_000);
    guard.firewall({ verified: true, detail: 'equal' });
    for (const port of ['lan', 'wan'] as const) guard.report(report(port, [], { at: clock.ms, orders: 1 }));
    clock.ms = CHANGED;
    guard.learned(after, 2);
    clock.ms = Math.max(last, CHANGED) + 50;
    guard.report(
      report('wan', [{ ...visit(policy, after, at, answered === true), last }], { at: clock.ms, orders: 2 }),
    );
    return guard.status().state === 'breach';
  };

  it('a burst that goes on when the kernel has let go of it is a breach', () => {
    expect(isBreach(CHANGED - 100, CHANGED + 2_500)).toBe(true);
  });

  it.each([
    ['before it, and is read behind it', CHANGED - 100, false],
    ['while the kernel may still have what was', CHANGED + 1_500, false],
    ['later', CHANGED + 2_500, true],
  ])('what leaves %s', (_when, at, breach) => {
    expect(isBreach(at)).toBe(breach || never === true);
  });
});
