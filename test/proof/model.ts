// What each instruction of nftables does with a frame (net/netfilter/nft_*.c), and what a ruleset so makes of every frame: one formula for
// each way in which it can end.

import { bytesOf } from './bytecode.ts';
import type { Bytecode, Chain, Instruction, Rule, SetOfElements, Verdict, Words } from './bytecode.ts';
import {
  FALSE,
  TRUE,
  and,
  atMostOne,
  bv,
  bvand,
  concat,
  eq,
  extract,
  ite,
  not,
  or,
  ule,
  ult,
  variable,
} from './expr.ts';
import type { Node } from './expr.ts';
import type { Frame, Header } from './frame.ts';
import { constant } from './symbols.ts';

/**
 * What a frame has been counted as: nothing yet, one of the verdicts, what is the box's own affair, or more than one. Sums over kinds
 * (`leak_dropped`, …) stand beside these.
 */
export type Counted = 'none' | 'tunnel' | 'essential' | 'allowed' | 'pass' | 'leak' | 'box' | 'more';
/** A formula for each way to have been counted; what is absent is impossible. */
export type ByCount = ReadonlyMap<Counted, Node>;

export interface Outcome {
  readonly accept: ByCount;
  readonly drop: ByCount;
  /** The end of the chain was reached, or a rule said so: the caller goes on. */
  readonly returns: ByCount;
  /** What rules put into sets, and when; a full set takes no more, which is not asked here. */
  readonly learns: readonly Learned[];
}

export interface Learned {
  readonly set: string;
  readonly key: Node;
  readonly when: Node;
}

/** Of a counter; undefined for what is a sum over others. */
function countedBy(name: string): Counted | undefined {
  const judged = /^(?:up|down)_(tunnel|essential|allowed|pass|leak)_/.exec(name);
  if (judged !== null) return judged[1] as Counted;
  return [
    'box_spoofed',
    'box_refused',
    'box_silenced',
    'other_ports',
    'canary_crossed',
    'closed_dropped',
  ].includes(name)
    ? 'box'
    : undefined;
}

function plus(a: Counted, b: Counted): Counted {
  return a === 'none' ? b : b === 'none' ? a : 'more';
}

class Sums {
  readonly #parts = new Map<Counted, Node[]>();

  add(counted: Counted, node: Node): void {
    if (node === FALSE) return;
    const list = this.#parts.get(counted) ?? [];
    this.#parts.set(counted, list);
    list.push(node);
  }

  done(): ByCount {
    return new Map([...this.#parts].map(([counted, list]) => [counted, or(...list)]));
  }
}

export interface Ports {
  readonly in: string;
  readonly out: string;
}

/** A ruleset over one kind of frames. */
export class Model {
  readonly #code: Bytecode;
  readonly #frame: Frame;
  readonly #ports: Ports;
  readonly #chains = new Map<string, Outcome>();
  readonly #sets = new Map<string, readonly Interval[] | undefined>();

  constructor(code: Bytecode, frame: Frame, ports: Ports) {
    this.#code = code;
    this.#frame = frame;
    this.#ports = ports;
  }

  readonly #once = new Set<Node>();
  /** Rules that some frame comes to. */
  readonly met = new Set<Rule>();

  /** What is so of every ruleset: a map has one verdict for a key. */
  premise(): Node {
    return and(...this.#once);
  }

  /** What becomes of a frame in the base chain of this hook. */
  hook(name: string): Outcome {
    const chains = [...this.#code.chains.values()].filter(({ hook }) => hook === name);
    const [chain] = chains;
    if (chain === undefined || chains.length > 1) throw new Error(`${chains.length} chains at ${name}`);
    const { accept, drop, returns, learns } = this.#chain(chain.name);
    const ends = chain.policy === 'accept' ? accept : drop;
    const sums = new Sums();
    for (const list of [ends, returns]) for (const [counted, node] of list) sums.add(counted, node);
    return chain.policy === 'accept'
      ? { accept: sums.done(), drop, returns: new Map(), learns }
      : { accept, drop: sums.done(), returns: new Map(), learns };
  }

  /** Rules that a frame of these values meets and that match, in their order, as nft lists them. */
  path(hook: string, holds: (node: Node) => boolean): string[] {
    const taken: string[] = [];
    const run = (chain: Chain): 'ended' | 'returned' => {
      for (const rule of chain.rules) {
        const { verdicts } = this.#rule(rule);
        const found = verdicts.find(({ when }) => holds(when));
        if (found === undefined) continue;
        taken.push(`${chain.name}: ${rule.text}`);
        const { verdict } = found;
        if (verdict.of === 'return') return 'returned';
        if (verdict.of === 'accept' || verdict.of === 'drop') return 'ended';
        const next = this.#code.chains.get(verdict.chain);
        const how = next === undefined ? 'returned' : run(next);
        if (verdict.of === 'goto' || how === 'ended') return how;
      }
      return 'returned';
    };
    const base = [...this.#code.chains.values()].find((chain) => chain.hook === hook);
    if (base !== undefined) run(base);
    return taken;
  }

  #chain(name: string): Outcome {
    const known = this.#chains.get(name);
    if (known !== undefined) return known;
    const chain = this.#code.chains.get(name);
    if (chain === undefined) throw new Error(`no chain ${name}`);
    const accept = new Sums();
    const drop = new Sums();
    const returns = new Sums();
    const learns: Learned[] = [];
    let here = new Map<Counted, Node>([['none', this.#frame.premise]]);
    for (const rule of chain.rules) {
      if (here.size === 0) break;
      const next = new Sums();
      this.met.add(rule);
      const reachedAny = or(...here.values());
      const { verdicts, counts, learned } = this.#rule(rule, reachedAny);
      for (const one of learned) learns.push({ ...one, when: and(reachedAny, one.when) });
      for (const { when, verdict } of verdicts) {
        const taken = and(reachedAny, when);
        if (taken === FALSE || (verdict.of !== 'goto' && verdict.of !== 'jump')) continue;
        for (const one of this.#chain(verdict.chain).learns)
          learns.push({ ...one, when: and(taken, one.when) });
      }
      const gone = or(...verdicts.map(({ when }) => when));
      for (const [counted, reached] of here) {
        for (const { when, verdict } of verdicts) {
          const taken = and(reached, when);
          if (taken === FALSE) continue;
          const now = counts === undefined ? counted : plus(counted, counts.counted);
          if (verdict.of === 'accept') accept.add(now, taken);
          else if (verdict.of === 'drop') drop.add(now, taken);
          else if (verdict.of === 'return') returns.add(now, taken);
          else {
            const called = this.#chain(verdict.chain);
            for (const [more, node] of called.accept) accept.add(plus(now, more), and(taken, node));
            for (const [more, node] of called.drop) drop.add(plus(now, more), and(taken, node));
            for (const [more, node] of called.returns)
              (verdict.of === 'goto' ? returns : next).add(plus(now, more), and(taken, node));
          }
        }
        const stays = and(reached, not(gone));
        if (counts === undefined) next.add(counted, stays);
        else {
          // Counted, and then something behind it did not match, or there is no verdict.
          const { when } = counts;
          if (!verdicts.some((one) => one.when === when))
            next.add(plus(counted, counts.counted), and(stays, when));
          next.add(counted, gone === when ? stays : and(stays, not(when)));
        }
      }
      here = new Map(next.done());
    }
    for (const [counted, node] of here) returns.add(counted, node);
    const outcome = {
      accept: accept.done(),
      drop: drop.done(),
      returns: returns.done(),
      learns: learns.filter(({ when }) => when !== FALSE),
    };
    this.#chains.set(name, outcome);
    return outcome;
  }

  /** When a rule ends so, or is counted. `reached` spares what no frame comes to. */
  #rule(
    rule: Rule,
    reached: Node = TRUE,
  ): {
    readonly verdicts: readonly { readonly when: Node; readonly verdict: Verdict }[];
    readonly counts: { readonly when: Node; readonly counted: Counted } | undefined;
    readonly learned: readonly Learned[];
  } {
    const learned: Learned[] = [];
    const registers = new Registers();
    const verdicts: { when: Node; verdict: Verdict }[] = [];
    let counts: { when: Node; counted: Counted } | undefined;
    /** What all instructions so far let go on. Joined once: of names the specification has then the same node. */
    const met: Node[] = [];
    for (const instruction of rule.instructions) {
      if (COMPARES.has(instruction.of)) {
        const goesOn = this.#step(instruction as Stepped, registers);
        if (goesOn === FALSE) break;
        met.push(goesOn);
        continue;
      }
      const matches = and(...met);
      if (and(reached, matches) === FALSE) break;
      switch (instruction.of) {
        case 'verdict':
          verdicts.push({ when: matches, verdict: instruction.verdict });
          break;
        case 'counter': {
          const counted = countedBy(instruction.name);
          if (counted !== undefined) counts = { when: matches, counted };
          break;
        }
        case 'counter of': {
          met.push(this.#member(instruction.set, registers, instruction.from, undefined));
          const names = [...rule.text.matchAll(/"((?:up|down)_[a-z0-9_]+)"/g)].map(([, name = '']) =>
            countedBy(name),
          );
          const [counted] = names;
          if (counted === undefined || names.some((one) => one !== counted))
            throw new Error(`counters of ${rule.text}`);
          counts = { when: and(...met), counted };
          break;
        }
        case 'lookup': {
          if (instruction.verdict) {
            for (const [verdict, when] of this.#verdicts(instruction.set, registers, instruction.from))
              verdicts.push({ when: and(matches, when), verdict });
            break;
          }
          const member = this.#member(instruction.set, registers, instruction.from, undefined);
          met.push(instruction.inverted ? not(member) : member);
          break;
        }
        case 'dynset': {
          // A full set takes no more, and then the rule goes no further; what it has already it renews (nft_rhash_update).
          const { set, from } = instruction;
          const key = concat(...registers.all(from));
          learned.push({ set, key, when: matches });
          met.push(or(variable(`room in ${set}`, 0), this.#frame.isMember(set, key)));
          break;
        }
        default:
          met.push(this.#step(instruction, registers));
      }
    }
    return { verdicts: verdicts.filter(({ when }) => when !== FALSE), counts, learned };
  }

  /** Of an instruction that loads or compares: when the rule goes on behind it. */
  #step(instruction: Stepped, registers: Registers): Node {
    switch (instruction.of) {
      case 'payload': {
        const { base, offset, length, to } = instruction;
        const header: Header = this.#frame[base];
        const bytes = Array.from({ length }, (_, at) => header.byte(offset + at));
        const later =
          base === 'transport' ? this.#frame.laterRead(offset, length) : { bytes: [], there: FALSE };
        registers.put(
          to,
          bytes.map((byte, at) => ite(later.there, later.bytes[at] ?? byte, byte)),
        );
        return or(header.holds(offset + length), later.there);
      }
      case 'exthdr': {
        const { type, offset, length, present, to } = instruction;
        // What is no IPv6 has none: nft_exthdr_ipv6_eval asks skb->protocol first.
        const header = this.#frame.extension(type);
        if (present) {
          registers.put(to, [ite(header.found, bv(8, 1), bv(8, 0))]);
          return eq(this.#frame.protocol, bv(16, 0x86dd));
        }
        registers.put(
          to,
          Array.from({ length }, (_, at) => header.byte(offset + at)),
        );
        return and(header.found, header.holds(offset + length));
      }
      case 'meta':
        return this.#meta(instruction.key, instruction.to, registers);
      case 'set mark':
        return TRUE;
      case 'immediate':
        registers.put(
          instruction.to,
          bytesOf(instruction.words, 4 * instruction.words.length).map((byte) => bv(8, byte)),
        );
        return TRUE;
      case 'cmp':
        return compare(instruction.how, registers.get(instruction.from), instruction.words);
      case 'range': {
        const bytes = registers.get(instruction.from);
        const inside = and(compare('gte', bytes, instruction.low), compare('lte', bytes, instruction.high));
        return instruction.inside ? inside : not(inside);
      }
      case 'bitwise': {
        const bytes = registers.get(instruction.from);
        const mask = bytesOf(instruction.mask, bytes.length);
        if (bytesOf(instruction.xor, bytes.length).some((byte) => byte !== 0)) throw new Error('bitwise xor');
        registers.put(
          instruction.to,
          bytes.map((byte, at) => bvand(byte, bv(8, mask[at] ?? 0))),
        );
        return TRUE;
      }
    }
  }

  #meta(key: string, to: number, registers: Registers): Node {
    const frame = this.#frame;
    const nativeOrder = (number: Node, bytes: number): Node[] =>
      Array.from({ length: bytes }, (_, at) =>
        8 * at < number.width ? extract(number, 8 * at, 8) : bv(8, 0),
      );
    switch (key) {
      case 'iifname':
      case 'oifname': {
        const name = key === 'iifname' ? this.#ports.in : this.#ports.out;
        registers.put(
          to,
          Array.from({ length: 16 }, (_, at) => bv(8, at < name.length ? name.charCodeAt(at) : 0)),
        );
        return TRUE;
      }
      case 'protocol':
        registers.put(to, [extract(frame.protocol, 8, 8), extract(frame.protocol, 0, 8)]);
        return TRUE;
      case 'l4proto':
        registers.put(to, [frame.transportProtocol]);
        return frame.isKnown;
      case 'len':
        registers.put(to, nativeOrder(frame.length, 4));
        return TRUE;
      case 'mark':
        registers.put(to, nativeOrder(frame.mark, 4));
        return TRUE;
    }
    throw new Error(`meta ${key}`);
  }

  #set(name: string): SetOfElements {
    const set = this.#code.sets.get(name);
    if (set === undefined) throw new Error(`no set ${name}`);
    return set;
  }

  #member(name: string, registers: Registers, from: number, only: Verdict | undefined): Node {
    const set = this.#set(name);
    if (set.learned) {
      if (set.elements.length > 0) throw new Error(`elements in ${name}, which rules fill`);
      return this.#frame.isMember(name, concat(...registers.all(from)));
    }
    const intervals = this.#intervals(set);
    const wanted = (verdict: Verdict | undefined): boolean =>
      only === undefined || (verdict !== undefined && verdictText(verdict) === verdictText(only));
    if (intervals !== undefined) {
      const value = concat(...registers.get(from));
      return or(
        ...intervals
          .filter(({ verdict }) => wanted(verdict))
          .map(({ low, high }) => {
            const [first, end] = [
              numberOf(low, value.width),
              high === undefined ? undefined : numberOf(high, value.width),
            ];
            const above = ule(bv(value.width, first), value);
            if (end === first + 1n) return eq(value, constant(value.width, first));
            return end === undefined ? above : and(above, ult(value, bv(value.width, end)));
          }),
      );
    }
    return or(
      ...set.elements
        .filter(({ verdict }) => wanted(verdict))
        .map(({ words }) => {
          const key = concat(...registers.key(from, words.length));
          return eq(key, constant(key.width, numberOf(words, key.width)));
        }),
    );
  }

  #verdicts(name: string, registers: Registers, from: number): [Verdict, Node][] {
    const distinct = new Map<string, Verdict>();
    for (const { verdict, ends } of this.#set(name).elements)
      if (!ends && verdict !== undefined) distinct.set(verdictText(verdict), verdict);
    const found = [...distinct.values()].map((verdict): [Verdict, Node] => [
      verdict,
      this.#member(name, registers, from, verdict),
    ]);
    // No set has a key twice: where keys are variables, these are not the same.
    const from_ = `${name} ${this.#once.size}`;
    this.#once.add(
      atMostOne(
        `verdict of ${from_}`,
        found.map(([, is]) => is),
      ),
    );
    return found;
  }

  /** Of a set with ends; undefined of any other. */
  #intervals(set: SetOfElements): readonly Interval[] | undefined {
    if (this.#sets.has(set.name)) return this.#sets.get(set.name);
    const found = intervalsOf(set);
    this.#sets.set(set.name, found);
    return found;
  }
}

type Stepped = Exclude<Instruction, { of: 'verdict' | 'counter' | 'counter of' | 'lookup' | 'dynset' }>;
/** Whether any frame comes there is not asked before these, of which names have hundreds of thousands. */
const COMPARES: ReadonlySet<Instruction['of']> = new Set(['payload', 'bitwise', 'cmp', 'range']);

interface Interval {
  readonly low: Words;
  /** Not included. */
  readonly high: Words | undefined;
  readonly verdict: Verdict | undefined;
}

function intervalsOf(set: SetOfElements): readonly Interval[] | undefined {
  if (!set.elements.some(({ ends, open }) => ends || open)) return undefined;
  const width = Math.max(...set.elements.map(({ words }) => words.length)) * 32;
  const sorted = [...set.elements].sort((a, b) => {
    const [x, y] = [numberOf(a.words, width), numberOf(b.words, width)];
    return x < y ? -1 : x > y ? 1 : Number(b.ends) - Number(a.ends);
  });
  // Up to the next element, whichever it is: of anonymous maps nft writes no end where the next begins (nft_rbtree_lookup asks for no more).
  return sorted.flatMap(({ words, verdict, ends }, at) =>
    ends ? [] : [{ low: words, verdict, high: sorted[at + 1]?.words }],
  );
}

function verdictText(verdict: Verdict): string {
  return 'chain' in verdict ? `${verdict.of} ${verdict.chain}` : verdict.of;
}

/** As big-endian number of the first so many bits. */
function numberOf(words: Words, width: number): bigint {
  return bytesOf(words, width / 8).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function compare(how: string, bytes: readonly Node[], words: Words): Node {
  const value = concat(...bytes);
  const number = numberOf(words, value.width);
  const bound = bv(value.width, number);
  switch (how) {
    case 'eq':
      return eq(value, constant(value.width, number));
    case 'neq':
      return not(eq(value, constant(value.width, number)));
    case 'lt':
      return ult(value, bound);
    case 'lte':
      return ule(value, bound);
    case 'gt':
      return ult(bound, value);
    case 'gte':
      return ule(bound, value);
  }
  throw new Error(`cmp ${how}`);
}

/** 64 bytes; what was loaded last into each place. */
class Registers {
  readonly #bytes: (Node | undefined)[] = [];
  readonly #lengths = new Map<number, number>();

  /** The rest of the last word is filled up with zeros (nft_payload_eval, nft_reg_store8). */
  put(at: number, bytes: readonly Node[]): void {
    const whole = 4 * Math.ceil(bytes.length / 4);
    // Keys are loaded from their first part on: what stands behind is of an earlier match.
    this.#bytes.length = Math.min(this.#bytes.length, at);
    for (let i = 0; i < whole; i += 1) this.#bytes[at + i] = bytes[i] ?? bv(8, 0);
    this.#lengths.set(at, bytes.length);
  }

  get(at: number): readonly Node[] {
    return this.#take(at, this.#lengths.get(at) ?? 0);
  }

  /** So many words, of several loads. */
  key(at: number, words: number): readonly Node[] {
    return this.#take(at, 4 * words);
  }

  /** All from here on, of several loads. */
  all(at: number): readonly Node[] {
    let length = 0;
    while (this.#bytes[at + length] !== undefined) length += 1;
    return this.#take(at, length);
  }

  #take(at: number, length: number): readonly Node[] {
    if (length === 0) throw new Error(`nothing was loaded at ${at}`);
    return Array.from({ length }, (_, i) => {
      const byte = this.#bytes[at + i];
      if (byte === undefined) throw new Error(`nothing was loaded at ${at + i}`);
      return byte;
    });
  }
}
