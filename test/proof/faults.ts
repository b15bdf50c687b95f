// Ten deliberate faults, one in each family of rules that the compilers write. Each must be refuted by the solver, with a frame that crosses
// a real bridge with the fault and does not cross it without. A fault is a change of the text that a compiler has made.

import { compileRuleset } from '../../src/policy/compile/nft.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { FULL, LEARNED, PASSING, STUB, STUB_SHUT } from '../policy/policies.ts';
import { Bridge } from './bridge.ts';
import { parseBytecode } from './bytecode.ts';
import { and, bv, eq, forget, not, or, variable } from './expr.ts';
import type { Node } from './expr.ts';
import { KINDS, kindText } from './frame.ts';
import { Solver } from './solver.ts';
import type { BoxState } from './spec.ts';
import { forgetSymbols } from './symbols.ts';
import { Case } from './theorems.ts';
import type { Refutation } from './theorems.ts';

interface Fault {
  readonly family: string;
  readonly what: string;
  readonly policy: Policy;
  readonly learned: LearnedState;
  readonly way: 'up' | 'down';
  /** What the compiler writes, and what it writes in its place. */
  readonly right: RegExp;
  readonly wrong: string;
}

export const FAULTS: readonly Fault[] = [
  {
    family: 'fragments',
    what: 'a later fragment over UDP goes to anybody',
    ...{ policy: FULL, learned: LEARNED, way: 'up' },
    right:
      /(ip frag-off & 0x1fff != 0) ip daddr \. meta l4proto @frag4 (counter name up_tunnel_fragment accept)/,
    wrong: '$1 meta l4proto udp $2',
  },
  {
    family: 'essential',
    what: "a DHCP request may carry anything in its file's name",
    ...{ policy: FULL, learned: LEARNED, way: 'up' },
    right: /(ip daddr 255\.255\.255\.255 .* @th,192,96 0x0)(?: @th,\d+,128 0x0| @th,336,80 0x0)+ /,
    wrong: '$1 ',
  },
  {
    family: 'tunnels',
    what: "WireGuard's first message is of any length",
    ...{ policy: FULL, learned: LEARNED, way: 'up' },
    right: /@th,64,32 0x1000000 udp length 156 return/,
    wrong: '@th,64,32 0x1000000 return',
  },
  {
    family: 'designated resolvers and proxies',
    what: 'DNS over TLS goes to any resolver',
    ...{ policy: STUB_SHUT, learned: LEARNED, way: 'up' },
    right: /ip daddr \. meta l4proto \. th dport @safe4 goto up_allowed/,
    wrong: 'tcp dport 853 goto up_allowed',
  },
  {
    family: "questions for a server's own name",
    what: 'behind the question there is room for more than EDNS',
    ...{ policy: FULL, learned: LEARNED, way: 'up' },
    right: /udp length 41-105 /,
    wrong: 'udp length 41-205 ',
  },
  {
    family: 'allow rows',
    what: 'a row for one client is for all',
    ...{ policy: FULL, learned: LEARNED, way: 'up' },
    right: /tcp dport 631 ether saddr 02:00:00:00:00:0c /,
    wrong: 'tcp dport 631 ',
  },
  {
    family: 'discovery link-local discovery',
    what: 'mDNS goes to any address',
    ...{ policy: STUB, learned: LEARNED, way: 'up' },
    right: /ip daddr \. udp dport \{ 224\.0\.0\.251 \. 5353, [^}]*\} goto up_allowed/,
    wrong: 'udp dport 5353 goto up_allowed',
  },
  {
    family: 'captive portals and passes',
    what: 'under a pass names are asked of anybody',
    ...{ policy: FULL, learned: PASSING, way: 'up' },
    right: /th dport 53 ip daddr @resolver4 goto up_pass/,
    wrong: 'th dport 53 goto up_pass',
  },
  {
    family: 'direct traffic',
    what: 'DNS over TLS is traffic like any other',
    ...{ policy: STUB, learned: LEARNED, way: 'up' },
    right: /(meta l4proto \. th dport \{ udp \. 53, tcp \. 53,) tcp \. 853,/,
    wrong: '$1',
  },
  {
    family: 'neighbours and what is nobody’s',
    what: "an address that no client has is told from others by the client's own alone",
    ...{ policy: FULL, learned: LEARNED, way: 'down' },
    right: /udp dport 68 return\n( +ether daddr @known goto down_leak)\n +@ll,7,1 0x1 goto down_leak/,
    wrong: 'udp dport 68 return\n$1',
  },
];

const BOX = { boxMacs: ['02:00:00:00:00:bb'], canary: ['02:00:00:00:00:cc'] } as const;

/** What a bridge takes: from a station, to one or to all (net/bridge/br_input.c). */
function isSendable(way: 'up' | 'down'): Node {
  const is = (name: string, value: number): Node => eq(variable(name, 8), bv(8, value));
  const own = way === 'up' ? [is('s0', 2), not(is('s5', 0))] : [is('s0', 2), is('s1', 0x77)];
  const all = ['d0', 'd1', 'd2', 'd3', 'd4', 'd5'].map((name) => is(name, 0xff));
  return and(...own, or(is('d0', 2), and(...all)));
}

async function refutationOf(solver: Solver, fault: Fault, listing: string): Promise<Refutation | undefined> {
  const code = parseBytecode(listing);
  const state: BoxState = { mode: 'block', learned: fault.learned, ...BOX };
  forget();
  forgetSymbols();
  for (const kind of KINDS) {
    if (kind.way !== fault.way || kind.tag !== 'none') continue;
    const one = new Case(code, kind, fault.policy, state);
    const crosses = and(one.leaves, or(...one.enters.values()), isSendable(fault.way));
    for (const { theorem, goal } of one.entering()) {
      const answer = await solver.find(and(goal, crosses));
      if (answer.holds) return one.refutation(theorem, answer.example);
    }
  }
  return undefined;
}

/** True where every fault is refuted by a frame that crosses the bridge with it, and not without. */
export async function faults(only: readonly Fault[] = FAULTS): Promise<boolean> {
  const bridge = await Bridge.raise(`faults-${process.pid}`);
  const solver = new Solver();
  let isWell = true;
  try {
    for (const fault of only) {
      const right = compileRuleset(fault.policy, { blockMode: true, learned: fault.learned, ...BOX });
      const wrong = right.replace(fault.right, fault.wrong);
      if (wrong === right) throw new Error(`${fault.family}: the compiler writes something else`);
      const one = await refutationOf(solver, fault, await bridge.load(wrong));
      const crossing =
        one === undefined ? 0 : await bridge.arrived(fault.way === 'up' ? 'lan' : 'wan', [one.bytes], 1);
      await bridge.load(right);
      const without =
        one === undefined ? 0 : await bridge.arrived(fault.way === 'up' ? 'lan' : 'wan', [one.bytes], 0);
      const isFound = one !== undefined && crossing === 1 && without === 0;
      isWell &&= isFound;
      const lines =
        one === undefined
          ? ['  NOT REFUTED']
          : [
              `  ${kindText(one.kind)}; the kernel: ${one.kernel}; the specification: ${one.specification}`,
              `  ${Buffer.from(one.bytes).toString('hex')}`,
              `  ${one.path.filter((rule) => !/^(?:crossing|box_\w+): /.test(rule)).at(-1) ?? ''}`,
              `  on a bridge: ${crossing === 1 ? 'crosses' : 'DOES NOT CROSS'}; with the right rules: ${without === 0 ? 'does not' : 'CROSSES'}`,
            ];
      process.stdout.write(`${fault.family}: ${fault.what}\n${lines.join('\n')}\n`);
    }
  } finally {
    solver.close();
    await bridge.close();
  }
  return isWell;
}
