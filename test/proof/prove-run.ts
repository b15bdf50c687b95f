// Knows: how the work of `npm run prove` is shared among processes and told, and what is written down in the end. Must not know: what is proven.

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Part } from '../../src/policy/compile/outline.ts';
import { casesOf } from './cases.ts';
import { Prover } from './prove.ts';
import type { Claims, Proven } from './prove.ts';
import { Shapes } from './shapes.ts';
import { writeShapes } from './written-shapes.ts';
import { SHIPPED, random } from './tried.ts';
import type { Tried } from './tried.ts';
import { FULLEST } from './fullest.ts';

/** The fullest first: what they prove, no other has to. */
function taskAt(at: number, count: number, seed: number): Tried | undefined {
  const before = [...FULLEST, ...SHIPPED];
  const one = before[at];
  if (one === undefined) return at < before.length + count ? random(seed + at - before.length) : undefined;
  return typeof one === 'function' ? one() : one;
}

interface Asked {
  readonly claim?: Part;
  readonly release?: Part;
  readonly done?: Proven;
}

/** A share of the work: policies from `from` on, each `step`th. What it proves, and whether, it asks on its standard input and output. */
export async function share(args: readonly string[]): Promise<void> {
  const [from = 0, step = 1, count = 0, seed = 1] = args.slice(0, 4).map(Number);
  const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const say = (asked: Asked): void => void process.stdout.write(`${JSON.stringify(asked)}\n`);
  const claims: Claims = {
    claim: async (part) => {
      say({ claim: part });
      const answer = await answers.next();
      return answer.done !== true && answer.value === 'yours';
    },
    release: (part) => Promise.resolve(say({ release: part })),
  };
  const prover = await Prover.open(`${process.pid}`, args[4] ?? '.', claims);
  let isEnding = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isEnding = true));
  const done = { states: 1, parts: 0, questions: 0, repeated: 0, seconds: 0 };
  try {
    if (from === 0) say({ done: { name: 'closed', ...done, refutations: await prover.closed() } });
    for (let at = from; !isEnding; at += step) {
      const one = taskAt(at, count, seed);
      if (one === undefined) break;
      say({ done: await prover.prove(one) });
    }
  } finally {
    await prover.close();
  }
}

type Worker = ChildProcessByStdio<Writable, Readable, null>;

/** All of it. True where everything was proven. */
export async function all(program: string, count: number, seed: number, refuted: string): Promise<boolean> {
  const began = Date.now();
  const workers = Math.min(2, availableParallelism());
  const shapes = new Shapes();
  const sums = { policies: 0, states: 0, parts: 0, questions: 0, repeated: 0, refuted: 0, unspoken: 0 };
  const text = (): string =>
    `${sums.policies} policies, ${sums.states} states, ${shapes.size} shapes of parts, ${sums.parts} proofs, ${sums.questions} questions (${sums.repeated} were asked before), ${sums.refuted} refuted, ${sums.unspoken} policies the specification does not speak of, ${Math.round((Date.now() - began) / 1000)} s`;
  const told = (one: Proven): void => {
    sums.policies += 1;
    sums.states += one.states;
    sums.parts += one.parts;
    sums.questions += one.questions;
    sums.repeated += one.repeated;
    sums.refuted += one.refutations.length;
    if (one.unspoken !== undefined) sums.unspoken += 1;
    const clear = process.stderr.isTTY ? '\r\x1b[K' : '';
    for (const line of one.refutations) process.stdout.write(`${clear}${line}\n`);
    if (one.unspoken !== undefined) process.stdout.write(`${clear}${one.name}: ${one.unspoken}\n`);
    if (process.stderr.isTTY) process.stderr.write(`${clear}${text()} ${one.name}`);
    else if (sums.policies % 20 === 0) process.stderr.write(`${text()}\n`);
  };
  const answered = ({ claim, release, done }: Asked, worker: Worker): void => {
    if (done !== undefined) told(done);
    if (release !== undefined) shapes.remove(release);
    if (claim === undefined) return;
    const isKnown = shapes.covers(claim);
    shapes.add(claim);
    worker.stdin.write(isKnown ? 'known\n' : 'yours\n');
  };
  const ends = await Promise.all(
    Array.from({ length: workers }, (_, at) => {
      const words = ['share', at, workers, count, seed, refuted].map(String);
      const worker = spawn(process.execPath, [program, ...words], { stdio: ['pipe', 'pipe', 'inherit'] });
      createInterface({ input: worker.stdout }).on('line', (line) =>
        answered(JSON.parse(line) as Asked, worker),
      );
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => worker.kill(signal));
      return new Promise<number | null>((done) => worker.on('close', done));
    }),
  );
  const isDone = sums.refuted === 0 && ends.every((code) => code === 0);
  if (isDone) {
    casesOf(shapes);
    writeShapes(shapes.written());
  }
  process.stdout.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${text()}\n`);
  return isDone;
}
