// Says whether the rules that the kernel has given back are of a proven shape (src/policy/compile/proven-shapes.ts), for the status, the page
// and `doctor`. The work is done again only when rules or verdicts have changed: a learned address changes neither.

import { createHash } from 'node:crypto';
import { TABLE_SHAPES } from '../../src/api/words.ts';
import { partsOf, verdictsOf } from '../../src/policy/compile/outline.ts';
import { PROVEN_SHAPES } from '../../src/policy/compile/proven-shapes.ts';
import { whyUnproven } from '../../src/policy/compile/proven.ts';
import type { TableShape } from '../../src/policy/compile/readback.ts';

export interface ShapeFinding {
  readonly shape: (typeof TABLE_SHAPES)[number];
  /** What of it was not proven; empty where all was. */
  readonly unproven: string;
}

/** Eleven letters hold 66 bits: nobody is to find another text for one, and texts are the compilers' own. */
function short(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 11);
}

export function findingOf(table: TableShape): ShapeFinding {
  const why = whyUnproven(partsOf(table, short), PROVEN_SHAPES);
  return { shape: TABLE_SHAPES[why === undefined ? 0 : 1], unproven: why ?? '' };
}

/** Looks at a table again only where it holds other rules, or verdicts, than the last one: addresses come and go. */
export class TableShapes {
  #chains: TableShape['chains'] | undefined;
  #verdicts = '';
  #finding: ShapeFinding | undefined;

  /** `given` and `read` are equal; of `given` what stands as it stood is the same object. */
  find(given: TableShape, read: TableShape): ShapeFinding {
    const verdicts = verdictsOf(read);
    if (this.#finding !== undefined && verdicts === this.#verdicts && hasSame(this.#chains, given.chains))
      return this.#finding;
    this.#chains = given.chains;
    this.#verdicts = verdicts;
    return (this.#finding = findingOf(read));
  }
}

function hasSame(one: TableShape['chains'] | undefined, other: TableShape['chains']): boolean {
  return one?.size === other.size && [...other].every(([name, chain]) => one.get(name) === chain);
}
