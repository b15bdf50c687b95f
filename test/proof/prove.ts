// Proves the rulesets of a policy part by part. A part whose shape was proven with variables in place of addresses needs no proof of its own.

import { writeFileSync } from 'node:fs';
import { writePcapng } from '../../src/wire/capture/pcapng-write.ts';
import { compileClosedRuleset, compileRuleset } from '../../src/policy/compile/nft.ts';
import { partsOf } from '../../src/policy/compile/outline.ts';
import type { Part } from '../../src/policy/compile/outline.ts';
import { shapeOfListing } from '../../src/policy/compile/readback.ts';
import { parseBytecode } from './bytecode.ts';
import type { Bytecode } from './bytecode.ts';
import { and, bv, eq, forget, reachable } from './expr.ts';
import type { Node } from './expr.ts';
import { ETHER, Frame, KINDS, kindText } from './frame.ts';
import type { Kind } from './frame.ts';
import { Kernel } from './kernel.ts';
import { Model } from './model.ts';
import { short } from './shapes.ts';
import { Solver } from './solver.ts';
import type { Told } from './solver.ts';
import type { BoxState } from './spec.ts';
import { forgetSymbols, symbolValues, symbolize } from './symbols.ts';
import { Case } from './theorems.ts';
import type { Goal, Refutation } from './theorems.ts';
import type { Tried } from './tried.ts';

export interface Proven {
  readonly name: string;
  readonly states: number;
  /** Parts that were proven anew. */
  readonly parts: number;
  readonly questions: number;
  readonly repeated: number;
  readonly seconds: number;
  readonly refutations: readonly string[];
  /** Why the specification does not speak of it. */
  readonly unspoken?: string;
}

/** Says whether a part has still to be proven; whoever is told so proves it. */
export interface Claims {
  /** `isGeneral`: the proof will be of any addresses (fullest.ts), so that it holds for every part of that shape. */
  claim(part: Part, isGeneral: boolean): Promise<boolean>;
  /** It cannot be proven. */
  release(part: Part): Promise<void>;
}

/**
 * How a policy is proven. `general`: the proof of a part is one of its shape. `own`: parts without a proven shape are proven for this policy
 * alone. `whole`: every part is proven with the policy's own addresses, and nothing is taken from shapes: that holds the argument
 * about shapes (RESULTS.md) against the solver.
 */
export type Manner = 'general' | 'own' | 'whole';

type Policy = Tried['policy'];

function rulesetOf(policy: Policy, { mode, ...rest }: BoxState): string {
  return compileRuleset(policy, { blockMode: mode === 'block', ...rest });
}

/** Where a frame may end without a rule of the policy's: forged, for the box, a leak. Every other chain hands frames on. */
const MAY_DROP = /^(?:leak|leak_down|held|entering|crossing|up|box_\w+|to_box|from_box|kept|kept_down)$/;

/** Kinds of frames that come to a part; those behind a tag come to the same rules, and are proven with what is before them. */
function kindsOf(part: string): readonly Kind[] {
  if (part === 'before')
    return KINDS.filter(({ tag, content: { form } }) => tag !== 'none' || form === 'other');
  const [way, type] = part.split('_');
  if (type === 'pppoe')
    return KINDS.filter((kind) => kind.tag === 'none' && kind.way === way && kind.content.form === 'other');
  const types: Readonly<Record<string, number>> = {
    ip4: ETHER.ip,
    ip6: ETHER.ip6,
    arp: ETHER.arp,
    eapol: ETHER.eapol,
  };
  return KINDS.filter(
    (kind) =>
      kind.tag === 'none' &&
      kind.way === way &&
      kind.content.type !== undefined &&
      kind.content.type === types[type ?? ''],
  );
}

export class Prover {
  readonly #kernel: Kernel;
  readonly #solver: Solver;
  readonly #directory: string;
  readonly #claims: Claims;

  private constructor(kernel: Kernel, directory: string, claims: Claims, told?: Told) {
    this.#solver = new Solver(told);
    this.#kernel = kernel;
    this.#directory = directory;
    this.#claims = claims;
  }

  static async open(id: string, directory: string, claims: Claims, told?: Told): Promise<Prover> {
    return new Prover(await Kernel.open(id), directory, claims, told);
  }

  async close(): Promise<void> {
    this.#solver.close();
    await this.#kernel.close();
  }

  /** Without a valid policy nothing crosses, whatever it is: no frame at all is accepted where it would be handed on. */
  async closed(): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const ports of [undefined, { lan: 'lan0', wan: 'wan0', webPort: 80 }]) {
      await this.#kernel.load(compileClosedRuleset(ports));
      for (const part of await this.#parts()) await this.#claims.claim(part, true);
      const code = parseBytecode(await this.#kernel.loaded());
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

  async prove({ name, policy, states }: Tried, manner: Manner = 'own'): Promise<Proven> {
    const began = performance.now();
    const { asked, known } = this.#solver;
    const refutations: string[] = [];
    let [parts, unspoken] = [0, undefined as string | undefined];
    for (const [title, state] of states) {
      await this.#kernel.load(rulesetOf(policy, state));
      const mine: Part[] = [];
      for (const part of await this.#parts())
        if (manner === 'whole' || (await this.#claims.claim(part, manner === 'general'))) mine.push(part);
      if (mine.length === 0) continue;
      parts += mine.length;
      const code = parseBytecode(await this.#kernel.loaded());
      forget();
      forgetSymbols();
      if (manner !== 'whole') symbolize(policy, state);
      for (const part of mine) {
        try {
          for (const found of await this.#provePart(part.name, code, policy, state, manner))
            refutations.push(told(found, `${name}, ${title}`, this.#directory));
        } catch (error) {
          if (!(error instanceof Error) || !error.message.includes('does not speak of')) throw error;
          unspoken = error.message;
          await this.#claims.release(part);
        }
      }
    }
    return {
      name,
      states: states.length,
      parts,
      questions: this.#solver.asked - asked,
      repeated: this.#solver.known - known,
      seconds: (performance.now() - began) / 1000,
      refutations,
      ...(unspoken === undefined ? {} : { unspoken }),
    };
  }

  /** Of what the kernel gives back. */
  async #parts(): Promise<readonly Part[]> {
    const shape = shapeOfListing(await this.#kernel.listing());
    if (shape === undefined) throw new Error('the listing cannot be read');
    return partsOf(shape, short);
  }

  async #provePart(
    part: string,
    code: Bytecode,
    policy: Policy,
    state: BoxState,
    manner: Manner,
  ): Promise<Refutation[]> {
    const found: Refutation[] = [];
    for (const line of part === 'box' ? ownRules(code) : droppedElsewhere(code)) throw new Error(line);
    if (part === 'box') return found;
    for (const kind of kindsOf(part)) {
      const one = new Case(code, kind, policy, state);
      for (const goal of one.entering()) found.push(...(await this.#refuted(one, goal, manner)));
      // The rules behind a tag of VLAN 0 are those that stand there without: they must not read the tag.
      if (part !== 'before')
        for (const { chain, instructions } of one.model.met)
          if (!MAY_DROP.test(chain) && !/^(?:up|down)(?:_vlan|_priority)?$/.test(chain))
            for (const read of instructions)
              if (read.of === 'payload' && read.base === 'link' && read.offset + read.length > 12)
                throw new Error(`${chain} reads more of the link's header than the addresses`);
    }
    if (part === 'before')
      for (const kind of KINDS) {
        const one = new Case(code, kind, policy, state);
        found.push(...(await this.#refuted(one, one.leaving(), manner)));
      }
    return found;
  }

  /**
   * With the addresses of the policy if that can be, or with others in their place. Of a policy that is proven for itself alone others do
   * not count: of a port that lies in a range of the same policy nft makes a part of that range (RESULTS.md, Shapes).
   */
  async #refuted(one: Case, { theorem, goal }: Goal, manner: Manner): Promise<Refutation[]> {
    const any = await this.#solver.find(goal);
    if (!any.holds) return [];
    const exact = await this.#solver.find(and(goal, ...pinned(goal)));
    if (exact.holds) return [one.refutation(theorem, exact.example)];
    return manner === 'own' ? [] : [one.refutation(`${theorem}, whatever the addresses are`, any.example)];
  }
}

/** That the variables of addresses are the policy's. */
function pinned(goal: Node): Node[] {
  const values = symbolValues();
  return reachable([goal]).flatMap((node) => {
    const value = node.op === 'var' ? values.get(node.name) : undefined;
    return value === undefined ? [] : [eq(node, bv(node.width, value))];
  });
}

function droppedElsewhere(code: Bytecode): string[] {
  return [...code.chains.values()].flatMap(({ name, rules }) =>
    MAY_DROP.test(name) ||
    !rules.some(({ instructions }) =>
      instructions.some((one) => one.of === 'verdict' && one.verdict.of === 'drop'),
    )
      ? []
      : [`chain ${name} drops frames, in watch mode too`],
  );
}

/** What goes to the box or comes from it does nothing to what crosses: it teaches the kernel nothing, and marks nothing. */
function ownRules(code: Bytecode): string[] {
  return ['to_box', 'from_box', 'kept', 'kept_down'].flatMap((name) =>
    (code.chains.get(name)?.rules ?? []).flatMap(({ instructions, text }) =>
      instructions.some(({ of }) => of === 'dynset' || of === 'set mark') ? [`chain ${name}: ${text}`] : [],
    ),
  );
}

/** A refutation for people; the frame also as a capture in `directory`. */
export function told(one: Refutation, name: string, directory: string): string {
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
