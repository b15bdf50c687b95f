// How to make many frames of a few, by chance that can be repeated. Source and destination of the link are left alone: a bridge drops or
// keeps what is not from and to a station.

import type { Shape } from './shape.ts';

/** xorshift32: the same frames on every run, so that a disagreement can be looked at again. */
function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

const TELLING = [
  0, 1, 2, 4, 5, 6, 17, 32, 40, 41, 43, 44, 47, 50, 53, 58, 60, 64, 67, 68, 127, 128, 202, 255,
];
/** Behind the two addresses begin type, IP and transport headers: most changes go there. */
const HEAD = 12;
const HEADERS = 60;
/** A link takes no longer frame (IEEE 802.3 section 3.2.7). */
const LONGEST = 1514;

/** `count` frames, each one of `shapes` with one to three bytes changed, cut short, or grown. */
export function mutants(shapes: readonly Shape[], count: number, seed = 0x5eed): Shape[] {
  const next = chance(seed);
  return Array.from({ length: count }, (_, at) => {
    const origin = shapes[next(shapes.length)];
    if (origin === undefined) throw new Error('mutants of nothing');
    let bytes: Uint8Array = origin.bytes.slice();
    for (let change = next(3); change >= 0; change -= 1) bytes = changed(bytes, next);
    return { name: `${origin.name} (mutant ${at})`, direction: origin.direction, bytes };
  });
}

function changed(bytes: Uint8Array, next: (below: number) => number): Uint8Array {
  const what = next(12);
  if (what === 0 && bytes.length > 64) return bytes.slice(0, 60 + next(bytes.length - 60));
  if (what === 1 && bytes.length + 24 <= LONGEST)
    return Uint8Array.from([...bytes, ...Array.from({ length: 1 + next(24) }, () => next(256))]);
  const copy = bytes.slice();
  const span = Math.min(what < 9 ? HEADERS : copy.length, copy.length) - HEAD;
  const at = HEAD + next(span);
  copy[at] = what % 2 === 0 ? (TELLING[next(TELLING.length)] ?? 0) : next(256);
  return copy;
}
