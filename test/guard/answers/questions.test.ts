// Checks that an answer counts for the very question that its client asked, and for how often. Holds src/guard/answers/questions.ts; what
// must agree between question and answer is tried by learner.test.ts and answered-names.test.ts.

import { expect, it } from 'vitest';

import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { ANSWER_MS, Questions, aliasesOf } from '../../../src/guard/answers/questions.ts';
import { Protocol } from '../../../src/wire/ip/ip.ts';
import { CLIENT } from '../samples.ts';

const ask = new ParsedPacket();
Object.assign(ask, { ipVersion: 4, protocol: Protocol.UDP, sourcePort: 40_000, destinationPort: 53 });
const answer = new ParsedPacket();
Object.assign(answer, { ipVersion: 4, protocol: Protocol.UDP, sourcePort: 53, destinationPort: 40_000 });

/** Asks for names in this order, at the time 0. */
function asked(...names: string[]): Questions {
  const questions = new Questions(8);
  for (const name of names) questions.ask(ask, CLIENT, name, 0, false);
  return questions;
}

it('an answer that repeats no question is one to each name in turn, and each waits for one', () => {
  const questions = asked('a.example', 'b.example');
  expect([1, 2, 3].map((now) => questions.answered(answer, CLIENT, now))).toEqual([
    'a.example',
    'b.example',
    undefined,
  ]);
});

it('what was answered long ago waits again, however often it was asked meanwhile', () => {
  const questions = asked('a.example');
  questions.answered(answer, CLIENT, 1);
  for (let now = 0; now <= ANSWER_MS; now += 1_000) questions.ask(ask, CLIENT, 'a.example', now, false);
  expect(questions.answered(answer, CLIENT, ANSWER_MS)).toBeUndefined();
  questions.ask(ask, CLIENT, 'a.example', ANSWER_MS + 1, false);
  expect(questions.answered(answer, CLIENT, ANSWER_MS + 2)).toBe('a.example');
});

it('names lead to names in any order of the records, and round in circles to themselves', () => {
  const leads = (name: string, value: string) => ({ name, type: 'CNAME', value, ttl: 1 }) as const;
  const answers = [leads('c', 'd'), leads('b', 'c'), leads('a', 'b'), leads('d', 'a'), leads('x', 'y')];
  expect([...aliasesOf(['b'], answers)].sort()).toEqual(['a', 'b', 'c', 'd']);
});

it.each([
  ['told by another tap waits for no other answer', false, undefined],
  ['asked again waits for another answer', true, 'a.example'],
] as const)('what was answered and is %s', (_, again, expected) => {
  const questions = asked('a.example');
  questions.answered(answer, CLIENT, 1);
  questions.ask(ask, CLIENT, 'a.example', 2, again);
  expect(questions.answered(answer, CLIENT, 3)).toBe(expected);
});

it('waits from when it was asked last until half a minute later', () => {
  const questions = asked('a.example');
  const waits = (at: number): boolean => questions.waits((name) => name === 'a.example', at);
  expect([ANSWER_MS, ANSWER_MS + 1].map(waits)).toEqual([true, false]);
  questions.ask(ask, CLIENT, 'a.example', 10, false);
  expect(waits(ANSWER_MS + 10)).toBe(true);
  expect(questions.answered(answer, CLIENT, ANSWER_MS + 11)).toBeUndefined();
  expect(questions.answered(answer, CLIENT, ANSWER_MS + 10)).toBe('a.example');
  expect(waits(ANSWER_MS)).toBe(false);
});
