// Knows: what is to hold of a ruleset in the kernel, and how a frame is shown for which it does not. Must not know: which policies are tried.

import type { Policy } from '../../src/policy/policy.ts';
import type { Bytecode } from './bytecode.ts';
import { FALSE, Valuation, and, eq, implies, not, or } from './expr.ts';
import type { Node } from './expr.ts';
import { Frame, KINDS, bytesOfFrame, isFree } from './frame.ts';
import type { Kind } from './frame.ts';
import { Model } from './model.ts';
import type { ByCount, Counted } from './model.ts';
import type { Example, Solver } from './solver.ts';
import { REASONS, mayCross, specification } from './spec.ts';
import type { BoxState, Reason } from './spec.ts';

export interface Refutation {
  readonly theorem: string;
  readonly kind: Kind;
  /** The frame as it is on the wire. */
  readonly bytes: Uint8Array;
  /** The solver took what the kernel finds behind several extension headers as it liked: there may be no such frame. */
  readonly isFree: boolean;
  readonly kernel: string;
  readonly specification: string;
  /** Rules that it meets and that match. */
  readonly path: readonly string[];
  readonly example: Example;
}

/** Which counter of the kernel's is for which reason. */
const COUNTED_AS: Readonly<Record<Reason, Counted>> = { tunnel: 'tunnel', plumbing: 'plumbing', allowed: 'allowed', pass: 'pass', held: 'allowed', leak: 'leak' };

/** One kind of frames under one ruleset: what the kernel does, and what the specification says. */
export class Case {
  readonly frame: Frame;
  readonly model: Model;
  /** By what a frame was counted as: both hooks let it through. */
  readonly crosses: ByCount;
  readonly said: ReadonlyMap<Reason, Node>;
  readonly #policy: Policy;
  readonly #state: BoxState;
  readonly kind: Kind;

  constructor(code: Bytecode, kind: Kind, policy: Policy, state: BoxState) {
    this.kind = kind;
    this.#policy = policy;
    this.#state = state;
    this.frame = new Frame(kind);
    const { lan, wan } = policy.bridge;
    this.model = new Model(code, this.frame, kind.way === 'up' ? { in: lan, out: wan } : { in: wan, out: lan });
    const entering = this.model.hook('prerouting');
    const crossing = or(...this.model.hook('forward').accept.values());
    this.crosses = new Map([...entering.accept].map(([counted, node]) => [counted, and(node, crossing)]));
    this.said = specification(this.frame, policy, state);
    this.counted = [...entering.accept.keys(), ...entering.drop.keys()];
  }

  /** Every way in which a frame can have been counted in the end. */
  readonly counted: readonly Counted[];

  /** Frames for which the kernel does not do what the specification says. */
  goal(): Node {
    const wrong: Node[] = [this.crosses.get('none') ?? FALSE, this.crosses.get('more') ?? FALSE];
    for (const counted of ['tunnel', 'plumbing', 'allowed', 'pass', 'leak'] as const) {
      const meant = or(...REASONS.filter((reason) => COUNTED_AS[reason] === counted && mayCross(reason, this.#state)).map((reason) => this.said.get(reason) ?? FALSE));
      wrong.push(not(eq(this.crosses.get(counted) ?? FALSE, and(this.frame.premise, meant))));
    }
    return and(this.frame.premise, this.frame.congruence(), or(...wrong));
  }

  refutation(theorem: string, example: Example): Refutation {
    const values = new Valuation(({ name }) => example.get(name) ?? 0n);
    const found = [...this.crosses].filter(([, node]) => values.holds(node)).map(([counted]) => counted);
    const said = [...this.said].filter(([, node]) => values.holds(node)).map(([reason]) => `${reason}${mayCross(reason, this.#state) ? '' : ', does not cross'}`);
    return {
      theorem,
      kind: this.kind,
      bytes: bytesOfFrame(this.kind, (name) => example.get(name) ?? 0n),
      isFree: [...example.keys()].some(isFree),
      kernel: found.length === 0 ? 'does not cross' : `crosses as ${found.join(', ')}`,
      specification: said.join('; ') || 'no way to cross',
      path: [...this.model.path('prerouting', (node) => values.holds(node)), ...this.model.path('forward', (node) => values.holds(node))],
      example,
    };
  }
}

/** Accept ⇔ specification, and each frame is counted once. Frames for which it is not so. */
export async function refute(solver: Solver, code: Bytecode, policy: Policy, state: BoxState, kinds: readonly Kind[] = KINDS): Promise<Refutation[]> {
  const found: Refutation[] = [];
  for (const kind of kinds) {
    const one = new Case(code, kind, policy, state);
    const answer = await solver.find(one.goal());
    if (answer.holds) found.push(one.refutation('a frame crosses if, and only if, the specification lets it', answer.example));
    if (one.counted.includes('more')) throw new Error('a frame may be counted twice');
  }
  return found;
}

void implies;
