// Shares the work of `npm run prove` among processes, shows how far it is, and writes the proven shapes down in the end. A process asks
// on its standard output whether a part has to be proven, or a question was answered before, and is told on its standard input.

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Part } from '../../src/policy/compile/outline.ts';
import { casesOf, partsMade } from './cases.ts';
import { Prover } from './prove.ts';
import type { Claims, Manner, Proven } from './prove.ts';
import { Shapes } from './shapes.ts';
import { ground, writeShapes } from './written-shapes.ts';
import { SHIPPED, random } from './tried.ts';
import type { Tried } from './tried.ts';
import { FULLEST } from './fullest.ts';

interface Asked {
  readonly claim?: Part;
  /** Of a claim: its proof is one of the shape. */
  readonly isGeneral?: boolean;
  readonly release?: Part;
  /** A question that another may have been told. */
  readonly question?: string;
  readonly told?: string;
  /** Whether the frames of these are all known: a case that makes nothing new. */
  readonly frames?: readonly Part[];
  readonly done?: Proven;
}

/** A share of the work: policies from `from` on, each `step`th. What it proves, and whether, it asks on its standard input and output. */
export async function share(args: readonly string[]): Promise<void> {
  const [from = 0, step = 1, count = 0, seed = 1] = args.slice(0, 4).map(Number);
  const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const say = (asked: Asked): void => void process.stdout.write(`${JSON.stringify(asked)}\n`);
  const ask = async (asked: Asked): Promise<boolean> => {
    say(asked);
    const answer = await answers.next();
    return answer.done !== true && answer.value === 'yes';
  };
  const claims: Claims = {
    claim: (part, isGeneral) => ask({ claim: part, isGeneral }),
    release: (part) => {
      say({ release: part });
      return Promise.resolve();
    },
  };
  const told = {
    has: (question: string) => ask({ question }),
    add: (question: string) => {
      say({ told: question });
    },
  };
  const prover = await Prover.open(`${process.pid}`, args[4] ?? '.', claims, told);
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
  const tasks = tasksOf(count, seed);
  try {
    if (from === 0) say({ done: { ...NOTHING_DONE, name: 'closed', refutations: await prover.closed() } });
    for (let at = from; at < tasks.length && !ending.signal.aborted; at += step) {
      const task = tasks[at];
      if (task === undefined || (task.frames !== undefined && (await ask({ frames: task.frames() }))))
        continue;
      say({ done: await prover.prove(task.policy(), task.manner) });
    }
  } finally {
    await prover.close();
  }
}

const NOTHING_DONE = { states: 1, parts: 0, questions: 0, repeated: 0, seconds: 0 };

interface Task {
  readonly manner: Manner;
  readonly policy: () => Tried;
  readonly frames?: () => readonly Part[];
}

/** Of the random policies each such is proven without what was proven of shapes. */
const WHOLE_EACH = 50;

/** The fullest first: what they prove, no other has to. */
function tasksOf(count: number, seed: number): readonly Task[] {
  return [
    ...FULLEST.map((make): Task => ({
      ...{ manner: 'general', policy: () => make('all'), frames: () => partsMade(make('few')) },
    })),
    ...SHIPPED.map((one): Task => ({ manner: 'own', policy: () => one })),
    ...Array.from({ length: count }, (_, at): Task => ({
      ...{ manner: at % WHOLE_EACH === 0 ? 'whole' : 'own', policy: () => random(seed + at) },
    })),
  ];
}

type Worker = ChildProcessByStdio<Writable, Readable, null>;

/** All of it. True where everything was proven. */
export async function all(program: string, count: number, seed: number, refuted: string): Promise<boolean> {
  const began = Date.now();
  const rests = ground();
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
    else if (sums.policies % 20 === 0 || one.parts > 0)
      process.stderr.write(`${text()} ${one.name}: ${one.parts} parts ${one.seconds.toFixed(1)} s\n`);
  };
  const questions = new Set<string>();
  const answered = (asked: Asked, worker: Worker): void => {
    const { claim, release, question, frames, done } = asked;
    const say = (is: boolean): void => void worker.stdin.write(is ? 'yes\n' : 'no\n');
    if (done !== undefined) told(done);
    if (release !== undefined) shapes.remove(release);
    if (asked.told !== undefined) questions.add(asked.told);
    if (question !== undefined) say(questions.has(question));
    if (frames !== undefined) say(frames.every((part) => shapes.knows(part)));
    if (claim === undefined) return;
    const isKnown = shapes.covers(claim);
    if (asked.isGeneral === true) shapes.add(claim);
    say(!isKnown);
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
    writeShapes(shapes.written(), rests);
  }
  process.stdout.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${text()}\n`);
  return isDone;
}
