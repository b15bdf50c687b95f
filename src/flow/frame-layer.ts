// Knows: what a decoded frame is made of: labelled stretches of bytes, one inside the other. Must not know: any protocol.
// Bounded: a frame may claim any number of options and records; what is beyond the bounds is left out and said to be.

import type { Inner } from '../wire/inner.ts';

/** `end` is the offset behind the last byte. Parts lie inside their layer. */
export interface FrameLayer {
  readonly label: string;
  readonly value: string;
  readonly start: number;
  readonly end: number;
  readonly parts: readonly FrameLayer[];
}

/** Layers of one frame, all depths together. */
export const LAYERS_MOST = 160;
/** Characters of one value. */
export const VALUE_MOST = 280;

interface Budget {
  left: number;
}

/** Grows the layers of one frame. Reading is the decoders' business: whatever they claim is kept inside their parent. */
export class LayerTree {
  readonly #label: string;
  readonly #value: string;
  readonly start: number;
  readonly end: number;
  readonly #budget: Budget;
  readonly #parts: LayerTree[] = [];

  private constructor(label: string, value: string, start: number, end: number, budget: Budget) {
    this.#label = label;
    this.#value = value.length > VALUE_MOST ? `${value.slice(0, VALUE_MOST)}…` : value;
    this.start = start;
    this.end = end;
    this.#budget = budget;
  }

  /** The whole frame, of so many bytes. */
  static of(length: number): LayerTree {
    return new LayerTree('', '', 0, length, { left: LAYERS_MOST });
  }

  /** A part from `start` to before `end`, cut to what this layer has. Beyond the budget it is given but not kept. */
  add(label: string, value: string, start: number, end: number): LayerTree {
    const from = Math.min(Math.max(start, this.start), this.end);
    const part = new LayerTree(label, value, from, Math.min(Math.max(end, from), this.end), this.#budget);
    this.#budget.left -= 1;
    if (this.#budget.left >= 0) this.#parts.push(part);
    return part;
  }

  /** The parts as they are told; the last one says so when some were left out. */
  layers(): readonly FrameLayer[] {
    const layers = this.#told();
    const missing = -this.#budget.left;
    if (missing <= 0) return layers;
    const { end } = this;
    return [...layers, { label: 'More', value: `${missing} parts not listed`, start: end, end, parts: [] }];
  }

  #told(): readonly FrameLayer[] {
    return this.#parts.map((part) => ({
      ...{ label: part.#label, value: part.#value, start: part.start, end: part.end },
      parts: part.#told(),
    }));
  }
}

/** Tells a packet inside another, by its EtherType, as part of `tree`. */
export type TellInner = (tree: LayerTree, inner: Inner) => void;
