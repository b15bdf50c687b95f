// Checks that what becomes of a frame is said by that frame alone: the name of its flow, which earlier frames have shown, explains it and
// changes neither whether it crosses nor what the kernel counts it as.

import { describe, expect, it } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import type { Judge } from '../../src/policy/judge.ts';
import type { CaptureDirection } from '../../src/policy/verdict.ts';
import {
  ANSWERED,
  ANSWERED_LEARNED,
  FULL,
  IKE_STREAMS,
  LEARNED,
  NAMES,
  PASSING,
  RANGES,
  RANGES_LEARNED,
  SPLIT,
  STUB,
} from './policies.ts';
import { SHAPES } from './shapes.ts';

/** Protected by one policy or another, exposed, a tunnel server's, a resolver's, and nobody's. */
const FLOW_NAMES = [
  ...['bank.example', 'www.clinic.example', 'xn--bcher-kva.example', 'shop.example'],
  ...['vpn.example.com', 'dns.example', 'news.example'],
];
const DIRECTIONS: readonly CaptureDirection[] = ['up', 'down', 'either'];

const frames = SHAPES.map(({ name, bytes }) => {
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(bytes, 0, bytes.length, bytes.length, 1, packet);
  dissector.application(bytes, packet, 0);
  return { name, packet };
});

/** As a tap that has remembered an answer, or somebody who asked, would say it. */
const MEMORIES = [{}, { answered: true }, { solicited: true }] as const;

const fateOf = (judge: Judge, packet: ParsedPacket): string =>
  DIRECTIONS.map(
    (direction) =>
      `${direction} ${String(judge.crosses(packet, direction))} ${judge.counter(packet, direction)}`,
  ).join();

describe.each([
  ['full-tunnel', FULL, LEARNED],
  ['full-tunnel under a pass', FULL, PASSING],
  ['long names', NAMES, LEARNED],
  ['proxy-stub', STUB, LEARNED],
  ['split', SPLIT, LEARNED],
  ['split, to answered addresses alone', ANSWERED, ANSWERED_LEARNED],
  ['ranges of servers', RANGES, RANGES_LEARNED],
  ['IKE over TCP', IKE_STREAMS, LEARNED],
] as const)('%s', (_name, policy, learned) => {
  const judge = compileJudge(policy, learned);

  it('crossing and counter of no frame change with the name of its flow', () => {
    const changed: string[] = [];
    const fates = new Set<string>();
    for (const { name, packet } of frames) {
      for (const memory of MEMORIES) {
        Object.assign(packet, { flowName: '', answered: false, solicited: false }, memory);
        const alone = fateOf(judge, packet);
        fates.add(alone);
        for (const flowName of FLOW_NAMES) {
          packet.flowName = flowName;
          if (fateOf(judge, packet) !== alone) changed.push(`${name}, in a flow of ${flowName}`);
        }
      }
    }
    expect(changed).toEqual([]);
    // Frames that cross and frames that do not, of many kinds.
    expect(fates.size).toBeGreaterThan(20);
  });
});

it('split: the name of a flow makes a frame of it a leak, and what becomes of the frame stays as it is', () => {
  const judge = compileJudge(SPLIT, LEARNED);
  const changed = frames.filter(({ packet }) => {
    const said = (flowName: string): string => {
      packet.flowName = flowName;
      return `${judge.judge(packet, 'up').verdict} ${fateOf(judge, packet)}`;
    };
    const [without, within] = [said('').split(' '), said('bank.example').split(' ')];
    packet.flowName = '';
    expect(within.slice(1)).toEqual(without.slice(1));
    return without[0] !== within[0];
  });
  expect(changed.length).toBeGreaterThan(3);
});
