// Collects which shapes of parts were proven, with which pieces, and in which cases the compilers make them, in the form in which the box
// reads them (src/policy/compile/proven.ts).

import { createHash } from 'node:crypto';
import type { Part } from '../../src/policy/compile/outline.ts';
import { bitsOf } from '../../src/policy/compile/proven.ts';
import type { ProvenShapes } from '../../src/policy/compile/proven.ts';

/** As appliance/bridge/shape.ts has it. */
export function short(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 11);
}

interface Proven {
  /** Each was proven together; of two of which one has all of the other, the larger. */
  together: readonly ReadonlySet<string>[];
  readonly cases: Set<number>;
}

export class Shapes {
  readonly #parts = new Map<string, Map<string, Proven>>();
  readonly #lookups = new Map<string, Set<string>>();

  /** Of what is written down. */
  static of({ parts, lookups }: ProvenShapes): Shapes {
    const shapes = new Shapes();
    for (const [name, { pieces, frames }] of Object.entries(parts))
      for (const [frame, one] of Object.entries(frames)) {
        for (const set of one.pieces)
          shapes.add({ name, frame, pieces: numbersOf(set).map((at) => pieces[at] ?? ''), lookups: [] });
        for (const number of numbersOf(one.cases)) shapes.seen({ name, frame }, number);
      }
    for (const [set, names] of Object.entries(lookups)) shapes.#lookups.set(set, new Set(names));
    return shapes;
  }

  /** It was proven, whatever its pieces. */
  knows({ name, frame }: Part): boolean {
    return this.#parts.get(name)?.has(frame) === true;
  }

  covers({ name, frame, pieces }: Part): boolean {
    const proven = this.#parts.get(name)?.get(frame);
    return proven?.together.some((set) => pieces.every((piece) => set.has(piece))) === true;
  }

  add(part: Part): void {
    const { name, frame, pieces, lookups } = part;
    const frames = this.#parts.get(name) ?? new Map<string, Proven>();
    this.#parts.set(name, frames);
    const proven = frames.get(frame) ?? { together: [], cases: new Set() };
    frames.set(frame, proven);
    if (!this.covers(part)) {
      const all = new Set(pieces);
      proven.together = [...proven.together.filter((set) => ![...set].every((piece) => all.has(piece))), all];
    }
    for (const set of lookups) this.#lookups.set(set, (this.#lookups.get(set) ?? new Set()).add(name));
  }

  remove({ name, frame, pieces }: Part): void {
    const frames = this.#parts.get(name);
    const proven = frames?.get(frame);
    if (frames === undefined || proven === undefined) return;
    const left = proven.together.filter(
      (set) => set.size !== pieces.length || !pieces.every((piece) => set.has(piece)),
    );
    if (left.length === 0) frames.delete(frame);
    proven.together = left;
  }

  /** The compilers make it in this case. */
  seen({ name, frame }: Pick<Part, 'name' | 'frame'>, number: number): void {
    this.#parts.get(name)?.get(frame)?.cases.add(number);
  }

  get size(): number {
    return [...this.#parts.values()].reduce((sum, frames) => sum + frames.size, 0);
  }

  /** As the box has it. */
  written(): ProvenShapes {
    const parts = inOrder(this.#parts).map(([name, frames]) => {
      const all = [...frames.values()].flatMap(({ together }) => together.flatMap((set) => [...set]));
      const pieces = [...new Set(all)].sort();
      const bits = (set: ReadonlySet<string>): string =>
        bitsOf([...set].map((piece) => pieces.indexOf(piece)));
      const written = inOrder(frames).map(
        ([frame, { cases, together }]) =>
          [frame, { cases: bitsOf([...cases]), pieces: together.map(bits).sort() }] as const,
      );
      return [name, { pieces, frames: Object.fromEntries(written) }] as const;
    });
    const lookups = inOrder(this.#lookups).map(([set, names]) => [set, [...names].sort()] as const);
    return { parts: Object.fromEntries(parts), lookups: Object.fromEntries(lookups) };
  }
}

function inOrder<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function numbersOf(bits: string): number[] {
  const number = BigInt(`0x${bits}`);
  return Array.from({ length: number.toString(2).length }, (_, at) => at).filter(
    (at) => ((number >> BigInt(at)) & 1n) === 1n,
  );
}
