// The kernel's own bytecode of a ruleset, as `nft --debug=netlink list ruleset` prints what the kernel gives back. What is not known stops
// with its name: nothing is passed over.

/** Bytes as they stand in a register, first byte first. */
export type Bytes = readonly number[];
/** 32-bit words as the listing prints them: bytes of the machine's order, filled up with zeros. */
export type Words = readonly number[];

export type Verdict =
  | { readonly of: 'accept' }
  | { readonly of: 'drop' }
  | { readonly of: 'return' }
  | { readonly of: 'goto'; readonly chain: string }
  | { readonly of: 'jump'; readonly chain: string };

type Base = 'link' | 'network' | 'transport' | 'inner';

export type Instruction =
  | {
      readonly of: 'payload';
      readonly base: Base;
      readonly offset: number;
      readonly length: number;
      readonly to: number;
    }
  | {
      readonly of: 'exthdr';
      readonly type: number;
      readonly offset: number;
      readonly length: number;
      readonly present: boolean;
      readonly to: number;
    }
  | { readonly of: 'meta'; readonly key: MetaKey; readonly to: number }
  | { readonly of: 'set mark'; readonly from: number }
  | { readonly of: 'cmp'; readonly how: Comparison; readonly from: number; readonly words: Words }
  | {
      readonly of: 'bitwise';
      readonly to: number;
      readonly from: number;
      readonly mask: Words;
      readonly xor: Words;
    }
  | {
      readonly of: 'range';
      readonly inside: boolean;
      readonly from: number;
      readonly low: Words;
      readonly high: Words;
    }
  | {
      readonly of: 'lookup';
      readonly from: number;
      readonly set: string;
      readonly inverted: boolean;
      readonly verdict: boolean;
    }
  | { readonly of: 'dynset'; readonly set: string; readonly from: number }
  | { readonly of: 'counter'; readonly name: string }
  | { readonly of: 'counter of'; readonly set: string; readonly from: number }
  | { readonly of: 'immediate'; readonly to: number; readonly words: Words }
  | { readonly of: 'verdict'; readonly verdict: Verdict };

const COMPARISONS = ['eq', 'neq', 'lt', 'lte', 'gt', 'gte'] as const;
type Comparison = (typeof COMPARISONS)[number];
const META_KEYS = ['iifname', 'oifname', 'protocol', 'l4proto', 'len', 'mark'] as const;
type MetaKey = (typeof META_KEYS)[number];

export interface Rule {
  readonly chain: string;
  /** As nft lists it: for people, and for what the bytecode does not print, the counters of a map. */
  readonly text: string;
  readonly instructions: readonly Instruction[];
}

export interface Element {
  readonly words: Words;
  readonly verdict: Verdict | undefined;
  /** Where an interval ends: itself is outside. */
  readonly ends: boolean;
  /** An interval without end begins here. */
  readonly open: boolean;
}

export interface SetOfElements {
  readonly name: string;
  readonly elements: readonly Element[];
  /** Rules fill it from frames. */
  readonly learned: boolean;
}

export interface Chain {
  readonly name: string;
  readonly hook: string | undefined;
  /** What becomes of a frame at the end of a base chain. */
  readonly policy: 'accept' | 'drop';
  readonly rules: readonly Rule[];
}

export interface Bytecode {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, SetOfElements>;
}

/** Of the one table that the listing is of. */
export function parseBytecode(listing: string): Bytecode {
  const lines = listing.split('\n');
  const start = lines.findIndex((line) => /^table /.test(line));
  if (start < 0) throw new Error('no table in the listing');
  const heads = chainHeads(lines.slice(start));
  const sets = new Map<string, { name: string; elements: Element[]; learned: boolean }>();
  const rules = new Map<string, Rule[]>();
  let into: ((line: string) => void) | undefined;
  const dynamic = new Set<string>();
  for (const line of lines.slice(0, start)) {
    if (line === '') continue;
    const set = /^bridge \S+ @(\S+)$/.exec(line);
    const rule = /^bridge \S+ (\S+) \d+(?: \d+)? *$/.exec(line);
    if (set !== null) {
      const elements: Element[] = [];
      sets.set(set[1] ?? '', { name: set[1] ?? '', elements, learned: false });
      into = (text) => elements.push(elementOf(text));
    } else if (rule !== null) {
      const chain = rule[1] ?? '';
      const instructions: Instruction[] = [];
      const list = rules.get(chain) ?? [];
      rules.set(chain, list);
      const text = heads.get(chain)?.texts[list.length] ?? '';
      list.push({ chain, text, instructions });
      into = (one) => {
        const instruction = instructionOf(one);
        if (instruction.of === 'dynset') dynamic.add(instruction.set);
        instructions.push(instruction);
      };
    } else if (into === undefined) throw new Error(`not understood: ${line}`);
    else into(line);
  }
  for (const name of dynamic) {
    const set = sets.get(name);
    if (set !== undefined) set.learned = true;
  }
  const chains = new Map<string, Chain>();
  for (const [name, { hook, policy, texts }] of heads) {
    const list = rules.get(name) ?? [];
    if (list.length !== texts.length)
      throw new Error(`chain ${name}: ${list.length} rules, ${texts.length} texts`);
    chains.set(name, { name, hook, policy, rules: list });
  }
  for (const name of rules.keys())
    if (!chains.has(name)) throw new Error(`rules of an unknown chain: ${name}`);
  return { chains, sets };
}

interface Head {
  hook: string | undefined;
  policy: 'accept' | 'drop';
  readonly texts: string[];
}

function chainHeads(lines: readonly string[]): Map<string, Head> {
  const heads = new Map<string, Head>();
  let head: Head | undefined;
  let isChain = false;
  for (const line of lines) {
    const block = /^\t(\S+) (\S+) \{$/.exec(line);
    if (block !== null) {
      isChain = block[1] === 'chain';
      head = isChain ? { hook: undefined, policy: 'accept', texts: [] } : undefined;
      if (head !== undefined) heads.set(block[2] ?? '', head);
      continue;
    }
    if (head === undefined || !isChain) continue;
    if (line === '\t}') {
      head = undefined;
      continue;
    }
    const hook = /^\t\ttype filter hook (\S+) priority \S+; policy (accept|drop);$/.exec(line);
    if (hook !== null) {
      head.hook = hook[1];
      head.policy = hook[2] === 'accept' ? 'accept' : 'drop';
      // A map with many elements goes over several lines.
    } else if (/^\t\t\S/.test(line)) head.texts.push(line.trim());
    else if (head.texts.length > 0) head.texts.push(`${head.texts.pop() ?? ''} ${line.trim()}`);
  }
  return heads;
}

const words = (text: string): Words =>
  text.trim() === ''
    ? []
    : text
        .trim()
        .split(/\s+/)
        .map((word) => Number.parseInt(word, 16));

function elementOf(line: string): Element {
  const found =
    /^\telement ((?:[0-9a-f]{8} *)+) : (?:(accept|drop|return|goto -> \S+|jump -> \S+) )?(\d) \[end\](?: {2}userdata = \{ (.*) \})?\s*$/.exec(
      line,
    );
  if (found === null) throw new Error(`element not understood: ${line}`);
  const flags = Number(found[3]);
  if (flags > 1) throw new Error(`element with flags ${flags}`);
  // Flags of nft's own about an element; 1 is "to the end of what there is" (NFTNL_SET_ELEM_F_INTERVAL_OPEN).
  const mine = found[4]?.trim() ?? '';
  if (mine !== '' && mine !== '\\x01\\x04\\x01\\x00\\x00\\x00') throw new Error(`element with data ${mine}`);
  return {
    words: words(found[1] ?? ''),
    verdict: found[2] === undefined ? undefined : verdictOf(found[2]),
    ends: flags === 1,
    open: mine !== '',
  };
}

function verdictOf(text: string): Verdict {
  const [of = '', , chain = ''] = text.trim().split(' ');
  if (of === 'accept' || of === 'drop' || of === 'return') return { of };
  if (of === 'goto' || of === 'jump') return { of, chain };
  throw new Error(`verdict not understood: ${text}`);
}

/** Registers 1 to 4 are of 16 bytes, those from 8 on of 4 bytes each; the first byte's place among 64. */
function register(text: string | undefined): number {
  const number = Number(text);
  if (number >= 1 && number <= 4) return 16 * (number - 1);
  if (number >= 8 && number <= 23) return 4 * (number - 8);
  throw new Error(`register ${String(text)}`);
}

type Reader = readonly [RegExp, (match: RegExpExecArray) => Instruction];

const READERS: readonly Reader[] = [
  [
    /^payload load (\d+)b @ (link|network|transport|inner) header \+ (\d+) => reg (\d+)$/,
    ([, length, base, offset, to]) => ({
      of: 'payload',
      base: base as Base,
      offset: Number(offset),
      length: Number(length),
      to: register(to),
    }),
  ],
  [
    /^exthdr load ipv6 (\d+)b @ (\d+) \+ (\d+)( present)? => reg (\d+)$/,
    ([, length, type, offset, present, to]) => ({
      of: 'exthdr',
      type: Number(type),
      offset: Number(offset),
      length: Number(length),
      present: present !== undefined,
      to: register(to),
    }),
  ],
  [
    /^meta load (\S+) => reg (\d+)$/,
    ([, name, to]) => {
      const key = META_KEYS.find((one) => one === name);
      if (key === undefined) throw new Error(`meta ${String(name)}`);
      return { of: 'meta', key, to: register(to) };
    },
  ],
  [/^meta set mark with reg (\d+)$/, ([, from]) => ({ of: 'set mark', from: register(from) })],
  [
    /^cmp (\S+) reg (\d+) ((?:0x[0-9a-f]+ ?)+)$/,
    ([, how, from, value = '']) => {
      const found = COMPARISONS.find((one) => one === how);
      if (found === undefined) throw new Error(`cmp ${String(how)}`);
      return { of: 'cmp', how: found, from: register(from), words: words(value) };
    },
  ],
  [
    /^bitwise reg (\d+) = \( reg (\d+) & ((?:0x[0-9a-f]+ ?)+)\) \^ ((?:0x[0-9a-f]+ ?)+)$/,
    ([, to, from, mask = '', xor = '']) => ({
      of: 'bitwise',
      to: register(to),
      from: register(from),
      mask: words(mask),
      xor: words(xor),
    }),
  ],
  [
    /^range (eq|neq) reg (\d+) ((?:0x[0-9a-f]+ ?)+)$/,
    ([, how, from, value = '']) => {
      const both = words(value);
      const half = both.length / 2;
      return {
        of: 'range',
        inside: how === 'eq',
        from: register(from),
        low: both.slice(0, half),
        high: both.slice(half),
      };
    },
  ],
  [
    /^lookup reg (\d+) set (\S+)( dreg 0)? 0x([01])$/,
    ([, from, set = '', map, flags]) => ({
      of: 'lookup',
      from: register(from),
      set,
      inverted: flags === '1',
      verdict: map !== undefined,
    }),
  ],
  [
    /^dynset update reg_key (\d+) set (\S+) timeout \d+ms$/,
    ([, from, set = '']) => ({ of: 'dynset', set, from: register(from) }),
  ],
  [/^objref type 1 name (\S+)$/, ([, name = '']) => ({ of: 'counter', name })],
  [
    /^objref sreg (\d+) set (\S+)$/,
    ([, from, set = '']) => ({ of: 'counter of', set, from: register(from) }),
  ],
  [/^immediate reg 0 (\S+(?: -> \S+)?)$/, ([, text = '']) => ({ of: 'verdict', verdict: verdictOf(text) })],
  [
    /^immediate reg (\d+) ((?:0x[0-9a-f]+ ?)+)$/,
    ([, to, value = '']) => ({ of: 'immediate', to: register(to), words: words(value) }),
  ],
];

function instructionOf(line: string): Instruction {
  const body = /^ {2}\[ (.*?) *\]\s*$/.exec(line)?.[1];
  if (body === undefined) throw new Error(`not understood: ${line}`);
  for (const [form, read] of READERS) {
    const match = form.exec(body);
    if (match !== null) return read(match);
  }
  throw new Error(`unknown instruction: ${body}`);
}

/** The first `length` bytes of words as a little-endian machine prints them. */
export function bytesOf(list: Words, length: number): Bytes {
  return Array.from({ length }, (_, at) => ((list[at >>> 2] ?? 0) >>> (8 * (at % 4))) & 0xff);
}
