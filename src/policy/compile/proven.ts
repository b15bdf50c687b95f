// Decides whether the parts of a table are among the shapes that test/proof has proven, and if not, says which part is not. Pure: which
// table, and which list of proven shapes, the caller says (appliance/bridge/table-shape.ts, test/proof).

import type { Part } from './outline.ts';

export interface ProvenShapes {
  /** By part: the pieces that were met; each frame with the cases in which it is, and the pieces (numbers of both) that it was proven with. */
  readonly parts: Readonly<
    Record<
      string,
      {
        readonly pieces: readonly string[];
        readonly frames: Readonly<
          Record<string, { readonly cases: string; readonly pieces: readonly string[] }>
        >;
      }
    >
  >;
  /** What may be empty, and the parts that look in it where it is not. */
  readonly lookups: Readonly<Record<string, readonly string[]>>;
}

/** Numbers as bits of a number in hexadecimal. */
export function bitsOf(numbers: readonly number[]): string {
  let bits = 0n;
  for (const number of numbers) bits |= 1n << BigInt(number);
  return bits.toString(16);
}

const numberOf = (bits: string): bigint => BigInt(`0x${bits}`);

/**
 * Why a table is not of a proven shape, in words; undefined when it is. Each part has to be proven with all pieces that are in it, and there
 * has to be one case (profile, what is known of clients, …) in which the compilers make all of the parts: of others nobody has proven anything.
 */
export function whyUnproven(parts: readonly Part[], proven: ProvenShapes): string | undefined {
  if (parts.length === 0) return 'there are no rules';
  let cases = -1n;
  for (const { name, frame, pieces } of parts) {
    const known = proven.parts[name];
    const found = known?.frames[frame];
    if (known === undefined || found === undefined) return `${name}: its rules`;
    const numbers = pieces.map((piece) => known.pieces.indexOf(piece));
    const unknown = numbers.filter((number) => number < 0).length;
    if (unknown > 0) return `${name}: ${unknown} of its rules with addresses`;
    const wanted = numberOf(bitsOf(numbers));
    if (!found.pieces.some((set) => (wanted & ~numberOf(set)) === 0n))
      return `${name}: its rules with addresses together`;
    cases &= numberOf(found.cases);
  }
  if (cases === 0n) return 'its parts are of different policies';
  const looking = new Map(parts.map(({ name, lookups }) => [name, new Set(lookups)]));
  for (const [set, names] of Object.entries(proven.lookups)) {
    const doing = names.filter((name) => looking.get(name)?.has(set) === true);
    if (doing.length > 0 && doing.length < names.length)
      return `${set} is looked in by ${doing.join(', ')} alone`;
  }
  return undefined;
}
