// Checks that a tap tells of every frame of a foreign stream that the kernel lets through to a tunnel's endpoint, in whatever order its
// pieces come, and of none of the tunnel's own.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TapReader } from '../../../appliance/tap/reader.ts';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import type { Observation, TapReport } from '../../../src/guard/observation.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { dnsQuery, ethernet, fill, ipv4, ipv6, text, u16, u32 } from '../../policy/frames.ts';
import type { Bytes } from '../../policy/frames.ts';
import { FULL, LEARNED } from '../../policy/policies.ts';
import { clientHello } from '../../policy/tls-hello.ts';

const NAME = 'www.bank.example';
const QUERY = dnsQuery(NAME);
const FOREIGN: Readonly<Record<string, Bytes>> = {
  'a hello': clientHello(NAME, 'h2'),
  'a request': text(`GET /account/of/somebody HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`),
  'a request to a proxy': text(`CONNECT ${NAME}:443 HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`),
  'a DNS query': [...u16(QUERY.length), ...QUERY],
};
/** An OpenVPN reset, which all of them may begin with. */
const OWN = [0, 54, 0x38, ...fill(53, 0x9c)];

/** Endpoints of FULL over TCP, which of `FOREIGN` is theirs all the same. */
const ENDPOINTS = [
  { to: '198.51.100.8', port: 443, own: [] },
  { to: '2001:db8::8', port: 443, own: [] },
  { to: '198.51.100.10', port: 9001, own: [] },
  { to: '198.51.100.11', port: 8443, own: ['a hello'] },
  { to: '2001:db8::11', port: 8443, own: ['a hello'] },
] as const;

interface Segment {
  readonly at: number;
  readonly bytes: Bytes;
}

/** What came in on lan, what of it went out on wan, and what the taps said of it. */
function stream(
  policy: Policy,
  { to, port }: { readonly to: string; readonly port: number },
  segments: readonly Segment[],
  blocks: boolean,
): { crossed: number; told: Readonly<Record<'lan' | 'wan', Observation[]>> } {
  const judge = compileJudge(policy, LEARNED);
  const told = { lan: [] as Observation[], wan: [] as Observation[] };
  const reader = (side: 'lan' | 'wan'): TapReader =>
    new TapReader({
      ...{ port: side, judge, dissector: new Dissector(), boxMacs: [], orders: 1, keepsFrames: false },
      ...{ monotonic: () => 0, lost: () => 0 },
      emit: ({ observations }) => void told[side].push(...observations),
    });
  const taps = { lan: reader('lan'), wan: reader('wan') };
  const kernel = { packet: new ParsedPacket(), dissector: new Dissector() };
  let crossed = 0;
  const send = (at: number, bytes: Bytes, flags: number): void => {
    const header = [...u16(40_000), ...u16(port), ...u32(at), ...u32(1), 0x50, flags, ...fill(6, 0)];
    const six = to.includes(':');
    const octets = (six ? ipv6 : ipv4)(6, [...header, ...bytes], { to });
    const frame = Uint8Array.from(ethernet(six ? 0x86dd : 0x0800, octets));
    taps.lan.frame(frame, frame.length, frame.length, false, 1);
    kernel.dissector.headers(frame, 0, frame.length, frame.length, 1, kernel.packet);
    if (blocks && !judge.crosses(kernel.packet, 'up')) return;
    if (bytes.length > 0) crossed += 1;
    taps.wan.frame(frame, frame.length, frame.length, true, 1);
  };
  send(99, [], 2);
  for (const { at, bytes } of segments) send(100 + at, bytes, 0x18);
  for (const side of ['lan', 'wan'] as const) taps[side].report(2, true);
  return { crossed, told };
}

const framesOf = (told: readonly Observation[]): number => told.reduce((sum, { frames }) => sum + frames, 0);

/** Its pieces, in any order. */
const pieces = (said: Bytes): fc.Arbitrary<Segment[]> =>
  fc
    .uniqueArray(fc.integer({ min: 1, max: said.length - 1 }), { maxLength: 6 })
    .map((cuts) => [0, ...cuts.sort((a, b) => a - b), said.length])
    .chain((ends) => {
      const all = ends.slice(0, -1).map((at, i) => ({ at, bytes: said.slice(at, ends[i + 1]) }));
      return fc.shuffledSubarray(all, { minLength: all.length });
    });

const CASES = ENDPOINTS.flatMap((endpoint) =>
  Object.entries(FOREIGN)
    .filter(([name]) => !(endpoint.own as readonly string[]).includes(name))
    .map(([name, said]) => ({ ...endpoint, name, said })),
);

describe.each([true, false])('block mode %s', (blocks) => {
  it.each(CASES)('$name to $to in pieces, the last perhaps before the first', ({ said, ...endpoint }) => {
    fc.assert(
      fc.property(pieces(said), (segments) => {
        const { crossed, told } = stream(FULL, endpoint, segments, blocks);
        const { lan } = told;
        expect(lan.every(({ verdict }) => verdict.rule === 'F' && verdict.severity === 'red')).toBe(true);
        // All that came in is told: what the kernel stopped and what it took for the tunnel.
        expect(framesOf(lan)).toBe(segments.length);
        if (blocks) expect(framesOf(lan.filter(({ crosses }) => crosses))).toBe(crossed);
        for (const { counter } of lan.filter(({ crosses }) => crosses))
          expect(counter).toMatch(/^up_tunnel_/);
        // A tap that has not seen the beginning tells less, and never more than crossed.
        expect(framesOf(told.wan)).toBeLessThanOrEqual(crossed);
        if (!blocks) expect(framesOf(told.wan)).toBe(crossed);
      }),
      { numRuns: 60 },
    );
  });

  it.each(ENDPOINTS)('what is the own of $to is told by nobody', (endpoint) => {
    fc.assert(
      fc.property(pieces(OWN), (segments) => {
        const { crossed, told } = stream(FULL, endpoint, segments, blocks);
        expect(crossed).toBe(segments.length);
        expect([...told.lan, ...told.wan]).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

it('what a person would count is counted of what left alone: a visit with the name that is shown, or later to the address', () => {
  const judge = compileJudge(FULL, LEARNED);
  const reports: TapReport[] = [];
  let now = 0;
  const reader = (port: 'lan' | 'wan'): TapReader =>
    new TapReader({
      ...{ port, judge, dissector: new Dissector(), boxMacs: [], orders: 1, keepsFrames: false },
      ...{ monotonic: () => now, lost: () => 0, emit: (report) => void reports.push(report) },
    });
  const taps = [reader('lan'), reader('wan')] as const;
  const send = (from: number, at: number, flags: number, bytes: Bytes = []): void => {
    const header = [...u16(from), ...u16(443), ...u32(at), ...u32(1), 0x50, flags, ...fill(6, 0)];
    const frame = ethernet(0x0800, ipv4(6, [...header, ...bytes], { to: '203.0.113.81' }));
    taps[0].frame(frame, frame.length, frame.length, false, now);
    taps[1].frame(frame, frame.length, frame.length, true, now);
  };
  send(40_000, 99, 2);
  send(40_001, 99, 2);
  send(40_000, 100, 0x18, clientHello(NAME));
  now = 10_000;
  for (const tap of taps) tap.report(now, true);
  const counted = (port: 'lan' | 'wan'): unknown =>
    reports
      .filter((report) => report.port === port)
      .flatMap(({ observations, nameless = [] }) => [
        ...observations
          .filter(({ visits }) => visits !== undefined)
          .map((one) => [one.verdict.exposure, one.visits]),
        ...nameless.map((one) => [one.verdict.exposure, one.frames]),
      ]);
  expect(counted('wan')).toEqual([
    [NAME, 1],
    ['203.0.113.81', 1],
  ]);
  expect(counted('lan')).toEqual([]);
});
