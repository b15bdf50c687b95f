// What a capture filter does with a frame: classic BPF as libpcap compiled it (`tcpdump -ddd`), instruction by instruction
// (net/core/filter.c). It is of frames whose tag the kernel has not taken off: the tap's own program in front of it shows all others
// (appliance/tap/packet-ring).

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  FALSE,
  TRUE,
  add,
  and,
  bv,
  bvand,
  concat,
  eq,
  extract,
  ite,
  lshr,
  not,
  or,
  sub,
  ule,
  ult,
  zext,
} from './expr.ts';
import type { Node } from './expr.ts';
import type { Frame } from './frame.ts';

const run = promisify(execFile);

export interface BpfInstruction {
  readonly code: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly k: number;
}

/** What libpcap makes of a filter's text for Ethernet. */
export async function compiled(text: string): Promise<readonly BpfInstruction[]> {
  const { stdout } = await run('tcpdump', ['-y', 'EN10MB', '-ddd', text], { maxBuffer: 16 << 20 });
  const [, ...lines] = stdout.trim().split('\n');
  return lines.map((line) => {
    const [code = 0, ifTrue = 0, ifFalse = 0, k = 0] = line.split(' ').map(Number);
    return { code, ifTrue, ifFalse, k };
  });
}

/** What is known where control comes to an instruction. */
interface At {
  readonly when: Node;
  readonly a: Node;
  readonly x: Node;
  readonly memory: ReadonlyMap<number, Node>;
}

/** Where the kernel keeps the packet's type for a program: SKF_AD_OFF + SKF_AD_PKTTYPE (linux/filter.h). */
const SKF_AD_PKTTYPE = 0xfffff004;

const ZERO = (): Node => bv(32, 0);

/** When the program of a port lets a frame through, which leaves by that port or comes in there. Jumps go forward alone, so that each instruction is met once. */
export function shows(program: readonly BpfInstruction[], frame: Frame, isOutgoing: boolean): Node {
  const places: (At | undefined)[] = [{ when: frame.premise, a: ZERO(), x: ZERO(), memory: new Map() }];
  const shown: Node[] = [];
  const go = (to: number, at: At): void => {
    if (at.when === FALSE) return;
    const other = places[to];
    places[to] = other === undefined ? at : joined(other, at);
  };
  for (const [place, one] of program.entries()) {
    const at = places[place];
    if (at === undefined) continue;
    const next = place + 1;
    const { code, k } = one;
    const value = (code & 8) === 0 ? bv(32, k) : at.x;
    switch (code & 7) {
      case 0:
      case 1: {
        const { value: loaded, there } = load(one, at, frame, isOutgoing);
        const when = and(at.when, there);
        go(next, (code & 7) === 0 ? { ...at, when, a: loaded } : { ...at, when, x: loaded });
        break;
      }
      case 2:
      case 3:
        go(next, { ...at, memory: new Map([...at.memory, [k, (code & 7) === 2 ? at.a : at.x]]) });
        break;
      case 4:
        go(next, { ...at, a: computed(code, at.a, value) });
        break;
      case 5: {
        if ((code & 0xf0) === 0) {
          go(next + k, at);
          break;
        }
        const test = tested(code, at.a, value);
        go(next + one.ifTrue, { ...at, when: and(at.when, test) });
        go(next + one.ifFalse, { ...at, when: and(at.when, not(test)) });
        break;
      }
      case 6: {
        const bytes = (code & 0x18) === 0x10 ? at.a : bv(32, k);
        shown.push(and(at.when, not(eq(bytes, ZERO()))));
        break;
      }
      case 7:
        go(next, (code & 0xf8) === 0 ? { ...at, x: at.a } : { ...at, a: at.x });
        break;
    }
  }
  return or(...shown);
}

function joined(one: At, other: At): At {
  const pick = (a: Node, b: Node): Node => ite(one.when, a, b);
  const keys = new Set([...one.memory.keys(), ...other.memory.keys()]);
  return {
    when: or(one.when, other.when),
    a: pick(one.a, other.a),
    x: pick(one.x, other.x),
    memory: new Map(
      [...keys].map((key) => [key, pick(one.memory.get(key) ?? ZERO(), other.memory.get(key) ?? ZERO())]),
    ),
  };
}

function load(
  { code, k }: BpfInstruction,
  { x, memory }: At,
  frame: Frame,
  isOutgoing: boolean,
): { readonly value: Node; readonly there: Node } {
  const size = [4, 2, 1][(code & 0x18) >> 3] ?? 0;
  const bytes = (offset: number, count: number): { readonly value: Node; readonly there: Node } => ({
    value: zext(concat(...Array.from({ length: count }, (_, i) => frame.link.byte(offset + i))), 32),
    there: frame.link.holds(offset + count),
  });
  switch (code & 0xe0) {
    case 0x00:
      return { value: bv(32, k), there: TRUE };
    case 0x20:
      // A frame that leaves is PACKET_OUTGOING; libpcap asks for nothing else of it.
      if (k === SKF_AD_PKTTYPE) return { value: bv(32, isOutgoing ? 4 : 0), there: TRUE };
      return bytes(k, size);
    case 0x40: {
      // What libpcap counts from is an IPv4 header's length: X is a multiple of four, up to 60.
      const places = Array.from({ length: 16 }, (_, i) => 4 * i).map((from) => ({
        from,
        is: eq(x, bv(32, from)),
        ...bytes(from + k, size),
      }));
      return {
        value: places.reduceRight((other, { is, value }) => ite(is, value, other), ZERO()),
        there: or(...places.map(({ is, there }) => and(is, there))),
      };
    }
    case 0x60:
      return { value: memory.get(k) ?? ZERO(), there: TRUE };
    case 0x80:
      return { value: add(zext(frame.length, 32), bv(32, 14)), there: TRUE };
    case 0xa0: {
      const { value, there } = bytes(k, 1);
      return { value: zext(concat(extract(value, 0, 4), bv(2, 0)), 32), there };
    }
  }
  throw new Error(`unknown instruction of BPF: ${code}`);
}

function computed(code: number, a: Node, b: Node): Node {
  switch (code & 0xf0) {
    case 0x00:
      return add(a, b);
    case 0x10:
      return sub(a, b);
    case 0x50:
      return bvand(a, b);
    case 0x60:
      if (b.op === 'const')
        return b.value >= 32n ? ZERO() : concat(extract(a, 0, 32 - Number(b.value)), bv(Number(b.value), 0));
      break;
    case 0x70:
      if (b.op === 'const') return lshr(a, b);
      break;
    case 0x20:
      // By powers of two alone, as in (tcp[12] >> 4) * 4.
      if (b.op === 'const' && (b.value & (b.value - 1n)) === 0n && b.value > 0n) {
        const bits = b.value.toString(2).length - 1;
        return bits === 0 ? a : concat(extract(a, 0, 32 - bits), bv(bits, 0));
      }
      break;
  }
  throw new Error(`unknown instruction of BPF: ${code}`);
}

function tested(code: number, a: Node, b: Node): Node {
  switch (code & 0xf0) {
    case 0x10:
      return eq(a, b);
    case 0x20:
      return ult(b, a);
    case 0x30:
      return ule(b, a);
    case 0x40:
      return not(eq(bvand(a, b), ZERO()));
  }
  throw new Error(`unknown instruction of BPF: ${code}`);
}
