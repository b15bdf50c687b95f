// How Debian's z3 is asked, through a pipe, in SMT-LIB 2.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { smtOf } from './expr.ts';
import type { Node } from './expr.ts';

/** Values of the variables by their names, of something that holds. */
export type Example = ReadonlyMap<string, bigint>;

export type Answer = { readonly holds: false } | { readonly holds: true; readonly example: Example };

/** A hundred times what the slowest question takes on an idle machine. */
const MOST_MS = 300_000;

/**
 * Most questions are answered fastest as one formula over single bits; a few, with many long addresses, by far faster as what they are.
 * Both are complete, so the order is a matter of time alone.
 */
const TACTIC = '(or-else (try-for (then simplify propagate-values bit-blast sat) 2000) smt)';

/** What other processes were told: questions that hold for nothing, by a hash of their text. */
export interface Told {
  has(question: string): Promise<boolean>;
  add(question: string): void;
}

export class Solver {
  readonly #told: Told | undefined;
  #process: ChildProcessWithoutNullStreams | undefined;
  #lines: AsyncIterator<string> | undefined;
  /** Questions that were found to hold for nothing, by a hash of their text: most parts of two rulesets are the same. */
  readonly #never = new Set<string>();
  asked = 0;
  known = 0;

  constructor(told?: Told) {
    this.#told = told;
  }

  /** Whether there are values for which this holds. */
  async find(goal: Node): Promise<Answer> {
    if (goal.op === 'const' && goal.value === 0n) return { holds: false };
    const { text, variables } = smtOf(goal);
    const hash = createHash('sha256').update(text).digest('base64');
    if (this.#never.has(hash) || (await this.#told?.has(hash)) === true) {
      this.#never.add(hash);
      this.known += 1;
      return { holds: false };
    }
    this.asked += 1;
    const names = [...variables.keys()];
    await this.#write(`(reset)\n(set-option :timeout ${MOST_MS})\n${text}\n(check-sat-using ${TACTIC})\n`);
    const answer = await this.#line();
    if (answer === 'unsat') {
      this.#never.add(hash);
      this.#told?.add(hash);
      return { holds: false };
    }
    if (answer !== 'sat') throw new Error(`z3 says: ${answer}`);
    const example = new Map<string, bigint>();
    if (names.length > 0) {
      await this.#write(`(get-value (${names.join(' ')}))\n(echo "end")\n`);
      let values = '';
      for (let line = await this.#line(); line !== 'end'; line = await this.#line()) values += ` ${line}`;
      for (const [, name = '', value = ''] of values.matchAll(/\((v\d+) ([^\s()]+)\)/g)) {
        const node = variables.get(name);
        if (node !== undefined) example.set(node.name, numberOf(value));
      }
    }
    return { holds: true, example };
  }

  close(): void {
    this.#process?.stdin.end();
    this.#process = undefined;
  }

  async #write(text: string): Promise<void> {
    const process = this.#process ?? this.#start();
    if (!process.stdin.write(text)) await new Promise((done) => process.stdin.once('drain', done));
  }

  #start(): ChildProcessWithoutNullStreams {
    const child = spawn('z3', ['-in', '-smt2'], { stdio: 'pipe' });
    // That it has ended is said where its answer is waited for.
    child.stdin.on('error', () => undefined);
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return child;
  }

  async #line(): Promise<string> {
    const next = await this.#lines?.next();
    if (next === undefined || next.done === true) throw new Error('z3 has ended');
    return next.value;
  }
}

function numberOf(text: string): bigint {
  if (text === 'true') return 1n;
  if (text === 'false') return 0n;
  return BigInt(text.replace(/^#x/, '0x').replace(/^#b/, '0b'));
}
