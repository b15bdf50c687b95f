// Compiles policy, block mode and learned state into one ruleset (README.md, guarantee 2). A pure function; appliance/bridge/nftables.ts
// runs nft. Watch mode is the same ruleset with other ends of the chains `leak` and `leak_down`.

import { heldChain, needsAnswer } from '../filter/answered.ts';
import { isAnywhere } from '../servers/anywhere.ts';
import { COUNTED_KINDS, counterName } from './counted.ts';
import { ESSENTIAL_KINDS } from '../filter/rule.ts';
import { tunnelEndpoints } from '../servers/hosts.ts';
import { NOTHING_LEARNED } from '../servers/learned.ts';
import type { LearnedState } from '../servers/learned.ts';
import { boxAddressChains, boxChains, closedChains } from './nft-box.ts';
import type { ClosedPorts } from './nft-box.ts';
import { wayChains } from './nft-chains.ts';
import { rulesetText } from './nft-model.ts';
import type { NftChain, NftRuleset } from './nft-model.ts';
import { anywhereChain, rangeChains, tunnelChain } from './nft-ranges.ts';
import { SETS, elementsOf } from './nft-sets.ts';
import type { Policy, TunnelForm } from '../policy.ts';
import type { Shape } from '../shapes/protocols.ts';
import { NFT_WHOLE_HEAD, SHAPES, hasEsp, isStream, nftReadable, nftShape } from '../shapes/shape.ts';

/** Everything but the policy that decides the ruleset. */
export interface RulesetState {
  readonly blockMode: boolean;
  /** True at boot and while the taps are not up: `relock: closed` then blocks leaks, whatever the mode. */
  readonly unverified?: boolean;
  readonly learned?: LearnedState;
  /** MAC addresses of the box itself: a frame from lan with one as its source is dropped in every mode. */
  readonly boxMacs?: readonly string[];
  /**
   * Source MAC addresses of canary frames, by which the box proves that leaks are seen and stopped: watch mode drops them where it
   * lets a leak through, and none crosses in any mode.
   */
  readonly canary?: readonly string[];
}

/** Packet mark of a leak that was let through, so that `leak_out` counts those that the bridge forwarded to wan. */
const LEAK_MARK = '0x1';

/** Counters without a kind. */
const PLAIN_COUNTERS = [
  'leak_dropped',
  'leak_passed',
  'leak_out',
  'down_dropped',
  'down_passed',
  'box_spoofed',
  'box_refused',
  'box_silenced',
  'other_ports',
  'canary_lan',
  'canary_wan',
  'canary_dropped',
  'canary_crossed',
] as const;

/** Whether the ruleset of this policy and state drops leaks, for whatever reason. */
export function dropsLeaks(policy: Policy, state: Pick<RulesetState, 'blockMode' | 'unverified'>): boolean {
  return state.blockMode || (state.unverified === true && policy.relock === 'closed');
}

/** The text for `nft -f` of the whole ruleset, as one transaction; counters keep their values. Does not throw. */
export function compileRuleset(policy: Policy, state: RulesetState): string {
  return rulesetText(rulesetOf(policy, state));
}

/** The same ruleset as data, for comparison with what the kernel holds (nft-change.ts, readback.ts). */
export function rulesetOf(policy: Policy, state: RulesetState): NftRuleset {
  const { lan, wan } = policy.bridge;
  return {
    counters: countersOf(policy.tunnels.length),
    sets: SETS,
    elements: elementsOf(policy, state.learned ?? NOTHING_LEARNED, state.boxMacs ?? [], state.canary ?? []),
    chains: [
      ...endChains(dropsLeaks(policy, state)),
      ...(needsAnswer(policy) ? [heldChain(dropsLeaks(policy, state))] : []),
      {
        name: 'entering',
        why: 'every frame is judged once, where it enters: also one between two devices behind one switch, which never crosses',
        hook: 'prerouting',
        rules: [
          `iifname "${lan}" ether saddr @canary counter name canary_lan`,
          `iifname "${wan}" ether saddr @canary counter name canary_wan`,
          // Frames for the box itself are judged in the chain `to_box`.
          ...[lan, wan].flatMap((port) => [
            `iifname "${port}" ether daddr @box_macs accept`,
            `iifname "${port}" goto ${port === lan ? 'up' : 'down'}`,
          ]),
          'counter name other_ports drop',
        ],
      },
      {
        name: 'crossing',
        why: 'frames that the bridge forwards from one port to the other',
        hook: 'forward',
        rules: [
          'ether saddr @canary counter name canary_crossed drop',
          `ether type vmap { ip : jump box_ip, arp : jump box_arp, 8021q : jump box_hidden, 8021ad : jump box_hidden }`,
          'ether type 0-1535 jump box_hidden',
          'ether daddr @box_macs counter name box_refused drop',
          `iifname "${lan}" oifname "${wan}" meta mark ${LEAK_MARK} counter name leak_out accept`,
          `iifname "${lan}" oifname "${wan}" accept`,
          `iifname "${wan}" oifname "${lan}" accept`,
          'counter name other_ports drop',
        ],
      },
      ...boxAddressChains(policy, state.learned ?? NOTHING_LEARNED),
      ...wayChains(policy, state.learned ?? NOTHING_LEARNED, 'up'),
      ...wayChains(policy, state.learned ?? NOTHING_LEARNED, 'down'),
      ...tunnelChains(policy),
      ...rangeChains(policy),
      ...boxChains(policy),
    ],
  };
}

/** The text for `nft -f` for a box without a valid policy: nothing crosses; with ports, the page answers on lan. */
export function compileClosedRuleset(ports?: ClosedPorts): string {
  return rulesetText(closedRuleset(ports));
}

/** The same closed ruleset as data. */
export function closedRuleset(ports?: ClosedPorts): NftRuleset {
  return {
    counters: ['closed_dropped', 'box_refused', 'box_silenced'],
    sets: [],
    elements: [],
    chains: closedChains(ports),
  };
}

function endChains(blocks: boolean): readonly NftChain[] {
  const held = 'ether saddr @canary counter name canary_dropped drop';
  return [
    {
      name: 'leak',
      why: 'block mode and watch mode differ here',
      rules: blocks
        ? ['counter name leak_dropped drop']
        : [held, `meta mark set ${LEAK_MARK} counter name leak_passed accept`],
    },
    {
      name: 'leak_down',
      rules: blocks ? ['counter name down_dropped drop'] : [held, 'counter name down_passed accept'],
    },
  ];
}

/** One chain per tunnel and shape: packets of the shape are counted for the tunnel, others are foreign (rule F). */
function tunnelChains(policy: Policy): readonly NftChain[] {
  const { lan } = policy.bridge;
  const used = new Set<string>();
  const chains: NftChain[] = [];
  const shapes = new Set<Shape>();
  const forms: { readonly tunnel: number; readonly shape: Shape; readonly form: TunnelForm }[] = [];
  for (const endpoint of tunnelEndpoints(policy)) {
    const { tunnel, form } = endpoint;
    const here: (Shape | 'esp')[] = hasEsp(endpoint.shape) ? ['isakmp', 'natt', 'esp'] : [endpoint.shape];
    const counted = [
      `iifname "${lan}" counter name up_tunnel_${tunnel} accept`,
      `counter name down_tunnel_${tunnel} accept`,
    ];
    for (const shape of here) {
      if (shape !== 'esp' && isAnywhere(endpoint.endpoint)) {
        const any = anywhereChain(tunnel, shape);
        if (!used.has(any)) chains.push(...anywhereChains(any, nftShape({ shape, form }, lan), counted));
        used.add(any);
        continue;
      }
      const name = tunnelChain(tunnel, shape);
      if (used.has(name)) continue;
      used.add(name);
      if (shape !== 'esp' && form === undefined) shapes.add(shape);
      else if (shape !== 'esp' && form !== undefined) forms.push({ tunnel, shape, form });
      chains.push({
        name,
        rules: [
          ...(shape === 'esp' ? [] : [`jump shape_${form === undefined ? shape : tunnel}`]),
          ...counted,
        ],
      });
    }
  }
  const streams: NftChain[] = [];
  const checks = SHAPES.filter((shape) => shapes.has(shape)).map((shape) => {
    const readable = isStream(shape) ? `readable_${shape}` : undefined;
    if (readable !== undefined)
      streams.push({ name: readable, rules: nftReadable(shape).map((match) => `${match} jump whole_head`) });
    const looks = readable === undefined ? [] : [`iifname "${lan}" jump ${readable}`];
    return { name: `shape_${shape}`, rules: [...looks, ...nftShape({ shape }, lan), 'goto foreign'] };
  });
  const own = forms.map(({ tunnel, ...of }) => ({
    name: `shape_${tunnel}`,
    why: "packets as changed by this tunnel's configuration",
    rules: [...nftShape(of, lan), 'goto foreign'],
  }));
  if (streams.length > 0)
    streams.unshift({
      name: 'whole_head',
      why: "the compared bytes belong to the packet: after its end nftables would read the frame's padding",
      rules: NFT_WHOLE_HEAD.map((held) => `${held} goto foreign`),
    });
  const foreign = {
    name: 'foreign',
    why: 'address and port of a tunnel, but not its packets (rule F), in every profile',
    rules: [`iifname "${lan}" goto up_leak`, 'goto down_leak'],
  };
  return [foreign, ...streams, ...checks, ...own, ...chains];
}

/** With peers at any address, packets without the tunnel's form are judged as if the tunnel did not exist. */
function anywhereChains(name: string, shape: readonly string[], counted: readonly string[]): NftChain[] {
  const rules = shape.map((rule) =>
    rule.endsWith('goto foreign')
      ? rule.replace(/goto foreign$/, 'return')
      : rule.replace(/return$/, `goto ${name}_own`),
  );
  return [
    { name, why: 'peers at any address: only the form of the packets decides', rules },
    { name: `${name}_own`, rules: counted },
  ];
}

function countersOf(tunnels: number): readonly string[] {
  const names: string[] = [...PLAIN_COUNTERS];
  for (const direction of ['up', 'down'] as const) {
    names.push(counterName(direction, 'tunnel', 'fragment'));
    for (let tunnel = 0; tunnel < tunnels; tunnel += 1) names.push(counterName(direction, 'tunnel', tunnel));
    for (const kind of ESSENTIAL_KINDS) names.push(counterName(direction, 'essential', kind));
    for (const verdict of ['allowed', 'pass', 'leak'] as const) {
      for (const kind of COUNTED_KINDS) names.push(counterName(direction, verdict, kind));
    }
  }
  return names;
}
