// How the solver makes frames for every reason of the specification, what lies a bit or a byte beside them, and whether the judge says of
// each what the specification says.

import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { Valuation, and, not, or, reachable } from './expr.ts';
import type { Node } from './expr.ts';
import { Frame, KINDS, bytesOfFrame, kindOfBytes, kindText, valuesOfBytes } from './frame.ts';
import type { Kind } from './frame.ts';
import type { Solver } from './solver.ts';
import { REASONS, mayCross, specification } from './spec.ts';
import type { BoxState, Specified } from './spec.ts';

const ETHERNET = 1;

export interface Judged {
  readonly frames: number;
  /** Malformed in a way that the table of known limits names: the judge calls them leaks, whatever the kernel does. */
  readonly limits: number;
  readonly wrong: readonly string[];
}

/** A frame that was looked at, and what the specification says of it. */
export interface Looked {
  readonly bytes: Uint8Array;
  readonly direction: Kind['way'];
  readonly crosses: boolean;
}

interface Spoken {
  readonly frame: Frame;
  readonly said: Specified;
}

/** No learned set has anything, and nothing is free: so the judge sees it. */
function nothingHeld(node: Node): Node {
  const unknown = reachable([node]).filter(
    ({ op, name, width }) =>
      op === 'var' &&
      width === 0 &&
      (name.includes(' has ') || name.startsWith('deep ') || name.startsWith('gre ')),
  );
  return and(...unknown.map((one) => not(one)));
}

export async function boundaries(
  solver: Solver,
  policy: Policy,
  learned: LearnedState,
  flips: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128],
  each?: (one: Looked) => void,
): Promise<Judged> {
  const state: BoxState = { mode: 'block', learned, boxMacs: [], canary: [] };
  const judge = compileJudge(policy, learned);
  const spoken = new Map<string, Spoken>();
  const speak = (kind: Kind): Spoken => {
    const known = spoken.get(kindText(kind));
    if (known !== undefined) return known;
    const frame = new Frame(kind);
    const made = { frame, said: specification(frame, policy, state) };
    spoken.set(kindText(kind), made);
    return made;
  };
  const dissector = new Dissector();
  let [frames, limits] = [0, 0];
  const wrong: string[] = [];
  const seen = new Set<string>();
  const look = (bytes: Uint8Array, direction: Kind['way']): void => {
    const hex = `${direction} ${Buffer.from(bytes).toString('hex')}`;
    const kind = kindOfBytes(bytes, direction);
    if (kind === undefined || kind.tag === 'other' || seen.has(hex)) return;
    seen.add(hex);
    const { said } = speak(kind);
    const values = new Valuation(({ name }) => valuesOfBytes(kind, bytes)(name));
    const crosses =
      values.holds(said.mayLeave) &&
      REASONS.some((reason) => mayCross(reason, state) && values.holds(said.is.get(reason) ?? or()));
    const packet = new ParsedPacket();
    dissector.headers(bytes, 0, bytes.length, bytes.length, ETHERNET, packet);
    dissector.application(bytes, packet, 0);
    frames += 1;
    each?.({ bytes, direction, crosses });
    if (judge.crosses(packet, direction) === crosses) return;
    if (packet.malformed !== undefined || isQuestion(packet)) limits += 1;
    else
      wrong.push(
        `${kindText(kind)}: the specification says that it ${crosses ? 'crosses' : 'does not cross'}, the judge that it does${crosses ? ' not' : ''}: ${hex}`,
      );
  };
  for (const kind of KINDS.filter(({ tag }) => tag === 'none')) {
    const { frame, said } = speak(kind);
    for (const reason of REASONS) {
      const goal = and(frame.premise, said.mayLeave, said.is.get(reason) ?? or());
      const answer = await solver.find(and(goal, nothingHeld(goal)));
      if (!answer.holds) continue;
      const bytes = bytesOfFrame(kind, (name) => answer.example.get(name) ?? 0n);
      // A sender that the bridge takes (net/bridge/br_input.c).
      bytes[6] = (bytes[6] ?? 0) & 0xfe;
      bytes[11] = bytes[11] === 0 ? 1 : (bytes[11] ?? 1);
      look(bytes, kind.way);
      for (let at = 12; at < Math.min(bytes.length, 330); at += 1) {
        for (const flip of at < 60 ? flips : flips.slice(0, 1)) {
          const other = Uint8Array.from(bytes);
          other[at] = (other[at] ?? 0) ^ flip;
          look(other, kind.way);
        }
      }
      for (const cut of [1, 2, 4, 8]) if (bytes.length - cut > 60) look(bytes.slice(0, -cut), kind.way);
    }
  }
  return { frames, limits, wrong };
}

/** What goes to or comes from port 53 crosses or not by bytes that are no facts (README.md, What a filter cannot compare). */
function isQuestion(packet: ParsedPacket): boolean {
  return packet.protocol === 17 && (packet.destinationPort === 53 || packet.sourcePort === 53);
}
