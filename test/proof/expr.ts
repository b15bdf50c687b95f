// Formulas over bits, shared where they are equal, simplified where that is free; how they are written as SMT-LIB 2, and what they are for
// given values. A node of width 0 is a truth value; every other is a vector of so many bits (QF_BV of SMT-LIB 2.6).

export interface Node {
  readonly id: number;
  readonly op: Op;
  readonly width: number;
  readonly args: readonly Node[];
  /** Of a constant its value, of an extract its lowest bit, of a variable nothing. */
  readonly value: bigint;
  /** Of a variable. */
  readonly name: string;
}

type Op =
  | 'const'
  | 'var'
  | 'not'
  | 'and'
  | 'or'
  | 'ite'
  | 'eq'
  | 'ult'
  | 'concat'
  | 'extract'
  | 'bvand'
  | 'bvadd'
  | 'bvsub'
  | 'bvlshr';

/** By a hash of what they are: a text of each would take most of the time. */
const nodes = new Map<number, Node[]>();
const junctions = new Map<number, Node[]>();
const negations = new WeakMap<Node, Node>();
let count = 0;

function make(op: Op, width: number, args: readonly Node[], value = 0n, name = ''): Node {
  let hash = mixed(op.charCodeAt(0) * 31 + op.charCodeAt(1), width);
  if (value !== 0n)
    hash = mixed(
      hash,
      value < 0x7fffffffn ? Number(value) : Number(BigInt.asUintN(32, value ^ (value >> 37n))),
    );
  for (const { id } of args) hash = mixed(hash, id);
  for (let at = 0; at < name.length; at += 1) hash = mixed(hash, name.charCodeAt(at));
  const bucket = nodes.get(hash);
  const known = bucket?.find(
    (one) =>
      one.op === op &&
      one.width === width &&
      one.value === value &&
      one.name === name &&
      sameList(one.args, args),
  );
  if (known !== undefined) return known;
  const node: Node = { id: count, op, width, args, value, name };
  count += 1;
  if (bucket === undefined) nodes.set(hash, [node]);
  else bucket.push(node);
  return node;
}

/** A multiplication that spreads neighbouring numbers: sums of small ids would meet in the same bucket. */
function mixed(hash: number, more: number): number {
  const next = Math.imul(hash ^ more, 0x9e3779b1);
  return next ^ (next >>> 15);
}

function sameList(a: readonly Node[], b: readonly Node[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

/** Between two proofs: nodes that were made before must not be used after. The truth values stay. */
export function forget(): void {
  nodes.clear();
  junctions.clear();
  for (const node of [TRUE, FALSE]) nodes.set(-1 - Number(node.value), [node]);
}

export const TRUE = make('const', 0, [], 1n);
export const FALSE = make('const', 0, [], 0n);

/** Constants of truth are these two nodes, whatever is forgotten. */
export function bv(width: number, value: bigint | number): Node {
  return make('const', width, [], BigInt.asUintN(width, BigInt(value)));
}

/** A variable of so many bits; of 0 a truth value. */
export function variable(name: string, width: number): Node {
  return make('var', width, [], 0n, name);
}

export const bool = (value: boolean): Node => (value ? TRUE : FALSE);
const isConst = ({ op }: Node): boolean => op === 'const';

export function not(a: Node): Node {
  if (a === TRUE) return FALSE;
  if (a === FALSE) return TRUE;
  if (a.op === 'not') return a.args[0] ?? a;
  const known = negations.get(a);
  if (known !== undefined) return known;
  const made = make('not', 0, [a]);
  negations.set(a, made);
  return made;
}

/** Longer ones, the elements of large sets, are not looked into. */
const MOST_PIECES = 24;

function junction(op: 'and' | 'or', parts: readonly Node[]): Node {
  const [unit, zero] = op === 'and' ? [TRUE, FALSE] : [FALSE, TRUE];
  const found = new Set<Node>();
  const limits = new Limits();
  /** Without making it, where nobody has. */
  const hasNot = (part: Node): boolean => {
    const other = part.op === 'not' ? part.args[0] : negations.get(part);
    return other !== undefined && found.has(other);
  };
  const add = (part: Node): boolean => {
    if (part === zero) return false;
    if (part === unit) return true;
    if (part.op === op && part.args.length <= MOST_PIECES) return part.args.every(add);
    if (hasNot(part)) return false;
    const limit = limitOf(part, op === 'or');
    if (limit !== undefined) {
      if (limits.hold(limit)) return true;
      const looser = limits.narrow(limit, part);
      if (looser === 'never') return false;
      if (looser !== undefined) found.delete(looser);
    }
    found.add(part);
    return true;
  };
  if (!parts.every(add)) return zero;
  // A part that is itself a junction of the other sort: what is decided by the parts beside it is left out of it.
  const inner = op === 'and' ? 'or' : 'and';
  for (const part of [...found]) {
    const turned = part.op === 'not' && part.args[0]?.op === op;
    const pieces = turned ? part.args[0]?.args : part.op === inner ? part.args : undefined;
    if (pieces === undefined || pieces.length > 12) continue;
    const limitIn = (piece: Node, isTurned: boolean): Limit | undefined =>
      limits.isEmpty ? undefined : limitOf(piece, (op === 'or') !== isTurned);
    const holds = (piece: Node): boolean => {
      if (turned ? hasNot(piece) : found.has(piece)) return true;
      const limit = limitIn(piece, turned);
      return limit !== undefined && limits.hold(limit);
    };
    const fails = (piece: Node): boolean => {
      if (turned ? found.has(piece) : hasNot(piece)) return true;
      const limit = limitIn(piece, !turned);
      return limit !== undefined && limits.hold(limit);
    };
    if (pieces.some(holds)) {
      found.delete(part);
      continue;
    }
    const left = pieces.filter((piece) => !fails(piece));
    if (left.length === pieces.length) continue;
    found.delete(part);
    if (!add(turned ? not(junction(op, left)) : junction(inner, left))) return zero;
  }
  const [first] = found;
  if (first === undefined) return unit;
  return found.size === 1 ? first : sameParts(op, found);
}

/** The junction of these parts, in whatever order it was made. */
function sameParts(op: 'and' | 'or', parts: ReadonlySet<Node>): Node {
  let sum = op === 'and' ? 1 : 2;
  for (const { id } of parts) sum = (sum + Math.imul(id ^ (id >>> 7), 0x9e3779b1)) | 0;
  const list = junctions.get(sum) ?? [];
  junctions.set(sum, list);
  const known = list.find(
    (one) => one.op === op && one.args.length === parts.size && one.args.every((arg) => parts.has(arg)),
  );
  if (known !== undefined) return known;
  const made = make(op, 0, [...parts]);
  list.push(made);
  return made;
}

/** That a number is below a constant, or is not. */
interface Limit {
  readonly of: Node;
  readonly below: boolean;
  readonly bound: bigint;
}

/** Of a comparison with a constant; `turned`: of what holds where it does not. */
function limitOf(node: Node, turned: boolean): Limit | undefined {
  const compared = node.op === 'not' ? node.args[0] : node;
  if (compared?.op !== 'ult') return undefined;
  const [of, bound] = compared.args;
  if (of === undefined || bound === undefined || !isConst(bound)) return undefined;
  return { of, bound: bound.value, below: (node.op === 'ult') !== turned };
}

/** What is known of numbers: the narrowest limits, and which parts say so. */
class Limits {
  #known: Map<Node, { low: bigint; lowPart?: Node; high: bigint; highPart?: Node }> | undefined;

  get isEmpty(): boolean {
    return this.#known === undefined;
  }

  hold({ of, below, bound }: Limit): boolean {
    const known = this.#known?.get(of);
    return known !== undefined && (below ? known.high <= bound : known.low >= bound);
  }

  /** The part that says less and need not be said any more, or that there is no such number. */
  narrow({ of, below, bound }: Limit, part: Node): Node | 'never' | undefined {
    this.#known ??= new Map();
    const known = this.#known.get(of) ?? { low: 0n, high: 1n << BigInt(of.width) };
    this.#known.set(of, known);
    const looser = below ? known.highPart : known.lowPart;
    if (below) Object.assign(known, { high: bound, highPart: part });
    else Object.assign(known, { low: bound, lowPart: part });
    return known.low >= known.high ? 'never' : looser;
  }
}

export function and(...parts: readonly Node[]): Node {
  return junction('and', parts);
}

export function or(...parts: readonly Node[]): Node {
  return junction('or', parts);
}

/** Of these no two: there is a number that each says is its own. Its name must be of this list alone. */
export function atMostOne(name: string, parts: readonly Node[]): Node {
  if (parts.length < 2) return TRUE;
  const width = parts.length.toString(2).length;
  const number = variable(`which ${name}`, width);
  return and(...parts.map((part, at) => or(not(part), eq(number, bv(width, at)))));
}

export function ite(test: Node, yes: Node, no: Node): Node {
  if (test === TRUE) return yes;
  if (test === FALSE) return no;
  if (yes === no) return yes;
  if (yes.width === 0) return or(and(test, yes), and(not(test), no));
  return make('ite', yes.width, [test, yes, no]);
}

export function eq(a: Node, b: Node): Node {
  if (a === b) return TRUE;
  if (a.width !== b.width) throw new Error(`widths ${a.width} and ${b.width}`);
  if (a.width === 0) return or(and(a, b), and(not(a), not(b)));
  if (isConst(a) && isConst(b)) return FALSE;
  if (isConst(a)) return eq(b, a);
  if (isConst(b) && a.width === 1 && b.value === 0n) return not(eq(a, bv(1, 1)));
  if (a.op === 'concat') {
    // Piece by piece: equal pieces of different comparisons are then the same node.
    let low = a.width;
    const pieces = a.args.map((piece) => {
      low -= piece.width;
      return eq(piece, extract(b, low, piece.width));
    });
    return and(...pieces);
  }
  if (isConst(b) && a.op === 'bvand') {
    const mask = a.args[1];
    if (mask !== undefined && isConst(mask) && (b.value & ~mask.value) !== 0n) return FALSE;
  }
  return make('eq', 0, a.id < b.id || isConst(b) ? [a, b] : [b, a]);
}

export function ult(a: Node, b: Node): Node {
  if (a === b) return FALSE;
  if (isConst(a) && isConst(b)) return bool(a.value < b.value);
  if (isConst(b) && b.value === 0n) return FALSE;
  if (isConst(a)) {
    if (a.value === (1n << BigInt(a.width)) - 1n) return FALSE;
    // Limits are written in one way: a number is below a constant, or is not.
    return not(make('ult', 0, [b, bv(a.width, a.value + 1n)]));
  }
  return make('ult', 0, [a, b]);
}

export const ule = (a: Node, b: Node): Node => not(ult(b, a));
/** `low` and `high` included. */
export const between = (a: Node, low: bigint | number, high: bigint | number): Node =>
  and(ule(bv(a.width, low), a), ule(a, bv(a.width, high)));

export function concat(...parts: readonly Node[]): Node {
  const flat: Node[] = [];
  for (const part of parts.flatMap((one) => (one.op === 'concat' ? one.args : [one]))) {
    const before = flat.at(-1);
    if (before !== undefined && isConst(before) && isConst(part)) {
      flat[flat.length - 1] = bv(
        before.width + part.width,
        (before.value << BigInt(part.width)) | part.value,
      );
    } else flat.push(part);
  }
  const [first, ...rest] = flat;
  if (first === undefined) throw new Error('nothing to join');
  return rest.length === 0
    ? first
    : make(
        'concat',
        flat.reduce((sum, { width }) => sum + width, 0),
        flat,
      );
}

/** `width` bits from bit `low` up, which is counted from the last. */
export function extract(a: Node, low: number, width: number): Node {
  if (low === 0 && width === a.width) return a;
  if (isConst(a)) return bv(width, a.value >> BigInt(low));
  if (a.op === 'extract') return extract(a.args[0] ?? a, low + Number(a.value), width);
  if (a.op === 'concat') {
    const parts: Node[] = [];
    let end = a.width;
    for (const part of a.args) {
      const start = end - part.width;
      const [from, to] = [Math.max(start, low), Math.min(end, low + width)];
      if (from < to) parts.push(extract(part, from - start, to - from));
      end = start;
    }
    return concat(...parts);
  }
  return make('extract', width, [a], BigInt(low));
}

export function bvand(a: Node, mask: Node): Node {
  if (isConst(a) && isConst(mask)) return bv(a.width, a.value & mask.value);
  if (isConst(mask) && mask.value === 0n) return mask;
  if (isConst(mask) && mask.value === (1n << BigInt(a.width)) - 1n) return a;
  if (isConst(mask)) {
    // Runs of ones take pieces out, the rest is zeros: a comparison under a mask is then the same node as one of the bits alone.
    let above = a.width;
    const parts = [...mask.value.toString(2).padStart(a.width, '0').matchAll(/0+|1+/g)].map(([run]) => {
      above -= run.length;
      return run.startsWith('0') ? bv(run.length, 0) : extract(a, above, run.length);
    });
    return concat(...parts);
  }
  return make('bvand', a.width, [a, mask]);
}

export function add(a: Node, b: Node): Node {
  if (isConst(a) && isConst(b)) return bv(a.width, a.value + b.value);
  if (isConst(b) && b.value === 0n) return a;
  return make('bvadd', a.width, [a, b]);
}

export function sub(a: Node, b: Node): Node {
  if (isConst(a) && isConst(b)) return bv(a.width, a.value - b.value);
  return make('bvsub', a.width, [a, b]);
}

export function lshr(a: Node, bits: Node): Node {
  if (isConst(a) && isConst(bits)) return bv(a.width, a.value >> bits.value);
  if (isConst(bits)) {
    const count = Number(bits.value);
    if (count === 0) return a;
    return count >= a.width ? bv(a.width, 0) : concat(bv(count, 0), extract(a, count, a.width - count));
  }
  return make('bvlshr', a.width, [a, bits]);
}

/** The same number in more bits. */
export function zext(a: Node, width: number): Node {
  return a.width === width ? a : concat(bv(width - a.width, 0), a);
}

/** Stands for what a node is made of, whenever it was made; equal for equal nodes. */
const keys = new WeakMap<Node, number>();
const SORTED: ReadonlySet<Op> = new Set(['and', 'or', 'eq']);

function keyOf(node: Node): number {
  return keys.get(node) ?? 0;
}

/** Keys of the parts must be known. */
function setKey(node: Node): void {
  if (keys.has(node)) return;
  let [one, other] = [mixed(node.op.charCodeAt(0) * 31 + node.op.charCodeAt(1), node.width), node.width];
  const add = (word: number): void => {
    one = mixed(one, word);
    other = Math.imul(other ^ word, 0x85ebca6b) ^ (other >>> 13);
  };
  for (let rest = node.value; rest !== 0n; rest >>= 32n) add(Number(BigInt.asIntN(32, rest)));
  for (let at = 0; at < node.name.length; at += 1) add(node.name.charCodeAt(at));
  const parts = node.args.map(keyOf);
  if (SORTED.has(node.op)) parts.sort((a, b) => a - b);
  for (const part of parts) {
    add(part | 0);
    add((part / 0x100000000) | 0);
  }
  keys.set(node, (one >>> 0) * 0x200000 + (other & 0x1fffff));
}

/** Where their order is no matter, the order of their keys: the same question is then the same text, whichever part was made first. */
function inOrder(node: Node): readonly Node[] {
  const { op, args } = node;
  return SORTED.has(op) ? [...args].sort((a, b) => keyOf(a) - keyOf(b)) : args;
}

/** Every node that these are made of, the parts before the wholes. */
export function reachable(
  roots: readonly Node[],
  argsOf: (node: Node) => readonly Node[] = ({ args }) => args,
): Node[] {
  const seen = new Set<Node>();
  const order: Node[] = [];
  interface Place {
    readonly node: Node;
    readonly args: readonly Node[];
    at: number;
  }
  const place = (node: Node): Place => ({ node, args: argsOf(node), at: 0 });
  const stack = roots.map(place).reverse();
  while (stack.length > 0) {
    const top = stack.at(-1);
    if (top === undefined) break;
    if (top.at === 0 && seen.has(top.node)) {
      stack.pop();
      continue;
    }
    seen.add(top.node);
    const next = top.args[top.at];
    top.at += 1;
    if (next === undefined) {
      order.push(top.node);
      stack.pop();
    } else if (!seen.has(next)) stack.push(place(next));
  }
  return order;
}

const SMT: Readonly<Record<string, string>> = {
  eq: '=',
  ult: 'bvult',
  concat: 'concat',
  bvand: 'bvand',
  bvadd: 'bvadd',
  bvsub: 'bvsub',
  bvlshr: 'bvlshr',
  not: 'not',
  and: 'and',
  or: 'or',
  ite: 'ite',
};

/**
 * Declarations, definitions and one assertion of `goal`. Names are by order of appearance, so that equal questions are equal texts;
 * `variables` are those whose values a model has, with their names in the text.
 */
export function smtOf(goal: Node): { readonly text: string; readonly variables: ReadonlyMap<string, Node> } {
  for (const node of reachable([goal])) setKey(node);
  const order = reachable([goal], inOrder);
  const uses = new Map<Node, number>();
  for (const { args } of order) for (const arg of args) uses.set(arg, (uses.get(arg) ?? 0) + 1);
  const names = new Map<Node, string>();
  const variables = new Map<string, Node>();
  const lines: string[] = [];
  for (const node of order) {
    if (node.op === 'var') {
      const name = `v${variables.size}`;
      variables.set(name, node);
      names.set(node, name);
      lines.push(`(declare-const ${name} ${sort(node.width)})`);
      continue;
    }
    const text = nodeText(node, names);
    if ((uses.get(node) ?? 0) > 1 && node.op !== 'const') {
      const name = `n${names.size}`;
      // Not define-fun: z3 writes each use of it out, and takes minutes in place of a tenth of a second.
      lines.push(`(declare-const ${name} ${sort(node.width)})`, `(assert (= ${name} ${text}))`);
      names.set(node, name);
    } else names.set(node, text);
  }
  lines.push(`(assert ${names.get(goal) ?? 'true'})`);
  return { text: lines.join('\n'), variables };
}

const sort = (width: number): string => (width === 0 ? 'Bool' : `(_ BitVec ${width})`);

function nodeText(node: Node, names: ReadonlyMap<Node, string>): string {
  if (node.op === 'const') {
    if (node.width === 0) return node.value === 1n ? 'true' : 'false';
    return `(_ bv${node.value} ${node.width})`;
  }
  const args = inOrder(node)
    .map((arg) => names.get(arg) ?? '?')
    .join(' ');
  if (node.op === 'extract')
    return `((_ extract ${node.value + BigInt(node.width) - 1n} ${node.value}) ${args})`;
  return `(${SMT[node.op] ?? '?'} ${args})`;
}

/** What the nodes are where the variables have these values; 0 where one has none. */
export class Valuation {
  readonly #known = new Map<Node, bigint>();
  readonly #values: (variable: Node) => bigint;

  constructor(values: (variable: Node) => bigint) {
    this.#values = values;
  }

  of(root: Node): bigint {
    const known = this.#known.get(root);
    if (known !== undefined) return known;
    for (const node of reachable([root]))
      if (!this.#known.has(node)) this.#known.set(node, this.#value(node));
    return this.#known.get(root) ?? 0n;
  }

  holds(root: Node): boolean {
    return this.of(root) === 1n;
  }

  #value(node: Node): bigint {
    const at = (i: number): bigint => {
      const arg = node.args[i];
      return arg === undefined ? 0n : (this.#known.get(arg) ?? 0n);
    };
    switch (node.op) {
      case 'const':
        return node.value;
      case 'var':
        return this.#values(node);
      case 'not':
        return 1n - at(0);
      case 'and':
        return node.args.every((arg) => this.#known.get(arg) === 1n) ? 1n : 0n;
      case 'or':
        return node.args.some((arg) => this.#known.get(arg) === 1n) ? 1n : 0n;
      case 'ite':
        return at(0) === 1n ? at(1) : at(2);
      case 'eq':
        return at(0) === at(1) ? 1n : 0n;
      case 'ult':
        return at(0) < at(1) ? 1n : 0n;
      case 'concat':
        return node.args.reduce((sum, arg) => (sum << BigInt(arg.width)) | (this.#known.get(arg) ?? 0n), 0n);
      case 'extract':
        return BigInt.asUintN(node.width, at(0) >> node.value);
      case 'bvand':
        return at(0) & at(1);
      case 'bvadd':
        return BigInt.asUintN(node.width, at(0) + at(1));
      case 'bvsub':
        return BigInt.asUintN(node.width, at(0) - at(1));
      case 'bvlshr':
        return at(0) >> at(1);
    }
  }
}
