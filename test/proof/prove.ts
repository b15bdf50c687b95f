// How a share of the policies is proven and how that is told, a line of JSON for each.

import { writeFileSync } from 'node:fs';
import { writePcapng } from '../../src/wire/capture/pcapng-write.ts';
import { compileClosedRuleset, compileRuleset } from '../../src/policy/compile/nft.ts';
import { parseBytecode } from './bytecode.ts';
import type { Bytecode } from './bytecode.ts';
import { forget } from './expr.ts';
import { Frame, KINDS, kindText } from './frame.ts';
import { Kernel } from './kernel.ts';
import { Model } from './model.ts';
import { Solver } from './solver.ts';
import type { BoxState } from './spec.ts';
import { refute } from './theorems.ts';
import type { Refutation } from './theorems.ts';
import { SHIPPED, random } from './tried.ts';
import type { Tried } from './tried.ts';

export interface Proven {
  readonly name: string;
  readonly states: number;
  readonly questions: number;
  readonly repeated: number;
  readonly seconds: number;
  readonly refutations: readonly string[];
}

/** Chains that may end otherwise in watch mode. */
const ENDS = new Set(['leak', 'leak_down', 'held']);

function rulesetOf(policy: Tried['policy'], { mode, ...rest }: BoxState): string {
  return compileRuleset(policy, { blockMode: mode === 'block', ...rest });
}

/** Where two rulesets differ, but for where leaks end. Names of anonymous sets are by their order. */
function differences(a: Bytecode, b: Bytecode): string[] {
  const text = (code: Bytecode, name: string): string =>
    JSON.stringify(code.chains.get(name)?.rules.map(({ instructions }) => instructions) ?? null);
  const chains = [...new Set([...a.chains.keys(), ...b.chains.keys()])].filter((name) => !ENDS.has(name));
  const setText = (code: Bytecode, name: string): string =>
    JSON.stringify([...(code.sets.get(name)?.elements ?? [])].map((one) => JSON.stringify(one)).sort());
  const sets = [...new Set([...a.sets.keys(), ...b.sets.keys()])];
  return [
    ...chains.filter((name) => text(a, name) !== text(b, name)),
    ...sets.filter((name) => setText(a, name) !== setText(b, name)),
  ];
}

/** A refutation for people; the frame also as a capture in `directory`. */
function told(one: Refutation, name: string, directory: string): string {
  const path = `${directory}/refuted-${name.replaceAll(/\W+/g, '-')}-${kindText(one.kind).replaceAll(/\W+/g, '-')}.pcapng`;
  const { bytes, kind } = one;
  writeFileSync(
    path,
    writePcapng([{ port: kind.way === 'up' ? 'lan0' : 'wan0', wall: 0, length: bytes.length, bytes }]),
  );
  return [
    `${name}: REFUTED: ${one.theorem}`,
    `  ${kindText(one.kind)}; the kernel: ${one.kernel}; the specification: ${one.specification}`,
    `  ${Buffer.from(one.bytes).toString('hex')}`,
    `  ${path}`,
    ...one.path.map((rule) => `    ${rule}`),
  ].join('\n');
}

export class Prover {
  readonly #kernel: Kernel;
  readonly #solver = new Solver();
  readonly #directory: string;

  private constructor(kernel: Kernel, directory: string) {
    this.#kernel = kernel;
    this.#directory = directory;
  }

  static async open(id: string, directory: string): Promise<Prover> {
    return new Prover(await Kernel.open(id), directory);
  }

  async close(): Promise<void> {
    this.#solver.close();
    await this.#kernel.close();
  }

  /** Without a valid policy nothing crosses, whatever it is: no frame at all is accepted where it would be handed on. */
  async closed(): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const ports of [undefined, { lan: 'lan0', wan: 'wan0', webPort: 80 }]) {
      const code = parseBytecode(await this.#kernel.bytecode(compileClosedRuleset(ports)));
      for (const kind of KINDS) {
        const frame = new Frame(kind);
        for (const [a, b] of [
          ['lan0', 'wan0'],
          ['wan0', 'lan0'],
        ] as const)
          if (new Model(code, frame, { in: a, out: b }).hook('forward').accept.size > 0)
            wrong.push(`closed: ${kindText(kind)} crosses from ${a}`);
      }
    }
    return wrong;
  }

  async prove({ name, policy, states }: Tried): Promise<Proven> {
    const began = performance.now();
    const { asked, known } = this.#solver;
    const refutations: string[] = [];
    const blocked = new Map<BoxState['learned'], Bytecode>();
    for (const [title, state] of states) {
      const code = parseBytecode(await this.#kernel.bytecode(rulesetOf(policy, state)));
      if (state.mode === 'watch') {
        // The same bytecode but for where leaks end: what was proven of the one holds for the other, and its ends are looked at.
        const other = blocked.get(state.learned);
        for (const one of other === undefined ? ['no ruleset of block mode'] : differences(other, code))
          refutations.push(`${name}, ${title}: watch mode differs in ${one}`);
        for (const one of endsOf(code)) refutations.push(`${name}, ${title}: ${one}`);
        continue;
      }
      blocked.set(state.learned, code);
      forget();
      for (const one of await refute(this.#solver, code, policy, state))
        refutations.push(told(one, `${name}, ${title}`, this.#directory));
    }
    return {
      name,
      states: states.length,
      questions: this.#solver.asked - asked,
      repeated: this.#solver.known - known,
      seconds: (performance.now() - began) / 1000,
      refutations,
    };
  }
}

/** In watch mode the ends of leaks let go what the box has not forged itself, and nothing else ends there. */
function endsOf(code: Bytecode): string[] {
  const wanted: Readonly<Record<string, readonly RegExp[]>> = {
    leak: [
      /^ether saddr @canary counter name "canary_dropped" drop$/,
      /^meta mark set 0x0*1 counter name "leak_passed" accept$/,
    ],
    leak_down: [
      /^ether saddr @canary counter name "canary_dropped" drop$/,
      /^counter name "down_passed" accept$/,
    ],
  };
  return Object.entries(wanted).flatMap(([name, rules]) => {
    const held = code.chains.get(name)?.rules ?? [];
    const same = held.length === rules.length && rules.every((rule, at) => rule.test(held[at]?.text ?? ''));
    return same ? [] : [`chain ${name} ends otherwise: ${held.map(({ text }) => text).join('; ')}`];
  });
}

/** A share of the work: `prove.js FROM TO STEP DIRECTORY`; shipped policies are those before the random ones. */
export async function main(args: readonly string[]): Promise<void> {
  const [from = 0, count = 0, step = 1, seed = 1] = args.slice(0, 4).map(Number);
  const prover = await Prover.open(`${process.pid}`, args[4] ?? '.');
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
  try {
    for (const line of from === 0 ? await prover.closed() : [])
      process.stdout.write(
        `${JSON.stringify({ name: 'closed', states: 1, questions: 0, repeated: 0, seconds: 0, refutations: [line] })}\n`,
      );
    for (let at = from; at < SHIPPED.length + count && !ending.signal.aborted; at += step) {
      const one = SHIPPED[at] ?? random(seed + at - SHIPPED.length);
      process.stdout.write(`${JSON.stringify(await prover.prove(one))}\n`);
    }
  } finally {
    await prover.close();
  }
}
