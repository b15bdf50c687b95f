// What is to hold of a ruleset in the kernel, and how a frame is shown for which it does not.

import type { Policy } from '../../src/policy/policy.ts';
import type { Bytecode } from './bytecode.ts';
import { shows } from './capture-filter.ts';
import type { BpfInstruction } from './capture-filter.ts';
import { FALSE, TRUE, Valuation, and, atMostOne, eq, not, or } from './expr.ts';
import type { Node } from './expr.ts';
import { CONTENTS, Frame, KINDS, bytesOfFrame } from './frame.ts';
import type { Header, Kind } from './frame.ts';
import { Model } from './model.ts';
import type { ByCount, Counted, Learned } from './model.ts';
import type { Example, Solver } from './solver.ts';
import { REASONS, mayCross, specification } from './spec.ts';
import { knownOf } from './spec-state.ts';
import type { BoxState, Reason, Specified } from './spec.ts';
import { symbolValues } from './symbols.ts';
import { familyOf, fieldsOf, isIn } from './terms.ts';

export interface Refutation {
  readonly theorem: string;
  readonly kind: Kind;
  /** The frame as it is on the wire. */
  readonly bytes: Uint8Array;
  readonly kernel: string;
  readonly specification: string;
  /** Rules that it meets and that match. */
  readonly path: readonly string[];
  readonly example: Example;
}

/** Which counter of the kernel's is for which reason. */
const COUNTED_AS: Readonly<Record<Reason, Counted>> = {
  tunnel: 'tunnel',
  essential: 'essential',
  allowed: 'allowed',
  pass: 'pass',
  held: 'allowed',
  leak: 'leak',
};

/** Bytes and ends of a header are asked for again and again, and long to make: each is made once. */
function remembered({ byte, holds }: Header): Header {
  const [bytes, ends] = [new Map<number, Node>(), new Map<number, Node>()];
  const once = (known: Map<number, Node>, at: number, make: (at: number) => Node): Node => {
    const found = known.get(at) ?? make(at);
    known.set(at, found);
    return found;
  };
  return { byte: (at) => once(bytes, at, byte), holds: (end) => once(ends, end, holds) };
}

function frameOf(kind: Kind): Frame {
  const frame = new Frame(kind);
  const { link, network, transport, inner } = frame;
  return Object.assign(frame, {
    link: remembered(link),
    network: remembered(network),
    transport: remembered(transport),
    inner: remembered(inner),
  });
}

/** A frame goes to one of the servers, or to none: of one that the policy names twice the specification makes one. */
function oneServer(frame: Frame, policy: Policy, { learned }: BoxState): Node {
  const { form } = frame.kind.content;
  const family = form.startsWith('4') ? 4 : form.startsWith('6') ? 6 : undefined;
  if (family === undefined || form === 'short') return TRUE;
  const { source, destination } = fieldsOf(frame).ip[family];
  const far = frame.kind.way === 'up' ? destination : source;
  const addresses = knownOf(policy, learned)
    .places.flatMap((place) => place.addresses)
    .filter((address) => familyOf(address) === family && !address.includes('/'));
  return atMostOne(
    'server',
    addresses.map((address) => isIn(far, address)),
  );
}

/** One kind of frames under one ruleset: what the kernel does, and what the specification says. */
export class Case {
  readonly kind: Kind;
  readonly frame: Frame;
  readonly model: Model;
  /** Where a frame comes in: by what it was counted as, those that go on. */
  readonly enters: ByCount;
  /** Those that end there. */
  readonly held: ByCount;
  readonly learns: readonly Learned[];
  readonly said: Specified;
  readonly #state: BoxState;
  /** Where addresses are variables: no two servers have the same one. */
  readonly #oneServer: Node;
  #leaves: Node | undefined;

  constructor(code: Bytecode, kind: Kind, policy: Policy, state: BoxState) {
    this.kind = kind;
    this.#state = state;
    this.frame = frameOf(kind);
    const { lan, wan } = policy.bridge;
    this.model = new Model(
      code,
      this.frame,
      kind.way === 'up' ? { in: lan, out: wan } : { in: wan, out: lan },
    );
    const entering = this.model.hook('prerouting');
    this.enters = entering.accept;
    this.held = entering.drop;
    this.learns = entering.learns;
    this.said = specification(this.frame, policy, state);
    this.#oneServer = symbolValues().size === 0 ? TRUE : oneServer(this.frame, policy, state);
  }

  /** From one port to the other. */
  get leaves(): Node {
    return (this.#leaves ??= or(...this.model.hook('forward').accept.values()));
  }

  /** Frames of which the kernel thinks otherwise than the specification where they would leave. */
  leaving(): Goal {
    const { premise } = this.frame;
    return {
      theorem:
        'what goes on leaves if, and only if, it is neither forged by the box nor bears an address of its own',
      goal: and(premise, not(eq(this.leaves, and(premise, this.said.mayLeave)))),
    };
  }

  /** The same where they come in. */
  entering(): readonly Goal[] {
    const premise = and(this.frame.premise, this.model.premise(), this.#oneServer);
    const { mayLeave, is } = this.said;
    const wrong: Node[] = [];
    for (const counted of ['tunnel', 'essential', 'allowed', 'pass', 'leak'] as const) {
      const meant = or(
        ...REASONS.filter((reason) => COUNTED_AS[reason] === counted && mayCross(reason, this.#state)).map(
          (reason) => is.get(reason) ?? FALSE,
        ),
      );
      // In watch mode what the box forges is held like a leak; it never leaves (the second theorem), so that is no matter here.
      wrong.push(
        and(
          counted === 'leak' ? mayLeave : TRUE,
          not(eq(this.enters.get(counted) ?? FALSE, and(premise, meant))),
        ),
      );
    }
    return [
      {
        theorem:
          'what comes in goes on if, and only if, the specification says that it is something that may',
        goal: and(premise, this.frame.congruence(), or(...wrong)),
      },
      {
        theorem: 'each frame adds to exactly one counter of those that say what it was',
        goal: and(
          premise,
          or(
            ...[this.enters, this.held].map((ends) => ends.get('more') ?? FALSE),
            this.held.get('none') ?? FALSE,
          ),
        ),
      },
      {
        theorem: 'the kernel learns what the specification says that it learns, and nothing else',
        goal: and(premise, this.frame.congruence(), or(...this.#lessons())),
      },
      {
        theorem: 'what nothing was counted for may not leave',
        goal: and(premise, this.enters.get('none') ?? FALSE, mayLeave),
      },
    ];
  }

  goals(): readonly Goal[] {
    return [...this.entering(), this.leaving()];
  }

  /** For each set: that something is put into it when it should not be, or not when it should, or something else. */
  #lessons(): Node[] {
    const sets = new Set([...this.learns, ...this.said.learns].map(({ set }) => set));
    return [...sets].map((set) => {
      const real = this.learns.filter((one) => one.set === set);
      const meant = this.said.learns.filter((one) => one.set === set);
      const [first] = meant;
      const isWhen = (list: readonly { readonly when: Node }[]): Node => or(...list.map(({ when }) => when));
      const others =
        first === undefined
          ? []
          : real.map(({ key, when }) =>
              key.width === first.key.width ? and(when, not(eq(key, first.key))) : when,
            );
      return or(not(eq(isWhen(real), and(this.frame.premise, isWhen(meant)))), ...others);
    });
  }

  refutation(theorem: string, example: Example): Refutation {
    const values = new Valuation(({ name }) => example.get(name) ?? 0n);
    const leaves = values.holds(this.leaves);
    const found = [...this.enters].filter(([, node]) => values.holds(node)).map(([counted]) => counted);
    const said = [
      ...[...this.said.is]
        .filter(([, node]) => values.holds(node))
        .map(([reason]) => `${reason}${mayCross(reason, this.#state) ? '' : ', does not cross'}`),
      ...(values.holds(this.said.mayLeave) ? [] : ['never leaves']),
    ];
    return {
      theorem,
      kind: this.kind,
      bytes: bytesOfFrame(this.kind, (name) => example.get(name) ?? 0n),
      kernel:
        found.length === 0
          ? 'does not cross'
          : `${leaves ? 'crosses' : 'comes in, and does not leave,'} as ${found.join(', ')}`,
      specification: said.join('; ') || 'no way to cross',
      path: [
        ...this.model.path('prerouting', (node) => values.holds(node)),
        ...this.model.path('forward', (node) => values.holds(node)),
      ],
      example,
    };
  }
}

export interface Goal {
  readonly theorem: string;
  /** Holds for frames that refute it. */
  readonly goal: Node;
}

/** Frames for which a theorem does not hold. */
export async function refute(
  solver: Solver,
  code: Bytecode,
  policy: Policy,
  state: BoxState,
  kinds: readonly Kind[] = KINDS,
): Promise<Refutation[]> {
  const found: Refutation[] = [];
  for (const kind of kinds) {
    const one = new Case(code, kind, policy, state);
    for (const { theorem, goal } of one.goals()) {
      const answer = await solver.find(goal);
      if (answer.holds) found.push(one.refutation(theorem, answer.example));
    }
  }
  return found;
}

/** Untagged kinds; the tap shows every frame whose tag the kernel has taken off. */
const SEEN = CONTENTS.map(
  (content) =>
    ({ up: { way: 'up', tag: 'none', content }, down: { way: 'down', tag: 'none', content } }) as const,
);

/** Frames that the capture filter of a port hides although they are no tunnel on their way. */
export async function refuteFilter(
  solver: Solver,
  program: readonly BpfInstruction[],
  policy: Policy,
  learned: BoxState['learned'],
  port: 'lan' | 'wan',
): Promise<Refutation[]> {
  const found: Refutation[] = [];
  const state: BoxState = { mode: 'block', learned, boxMacs: [], canary: [] };
  for (const kinds of SEEN) {
    const [up, down] = [frameOf(kinds.up), frameOf(kinds.down)];
    const goals = [up, down].map((frame) => {
      const isOutgoing = (frame === up) === (port === 'wan');
      const tunnel = specification(frame, policy, state).is.get('tunnel') ?? FALSE;
      return and(frame.premise, not(shows(program, frame, isOutgoing)), not(tunnel));
    });
    for (const [at, goal] of goals.entries()) {
      const answer = await solver.find(goal);
      if (!answer.holds) continue;
      const kind = at === 0 ? kinds.up : kinds.down;
      const bytes = bytesOfFrame(kind, (name) => answer.example.get(name) ?? 0n);
      found.push({
        theorem: 'the capture filter hides only what the specification calls tunnel',
        kind,
        bytes,
        kernel: 'hidden from the tap',
        specification: 'no tunnel',
        path: [],
        example: answer.example,
      });
    }
  }
  return found;
}
