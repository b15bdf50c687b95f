// Knows: how facts become a verdict. Must not know: the kernel, captures, clocks, state that outlives a frame.
// Follows README.md, Rules and remedies. Doubt errs toward leak: a kind that rests on a heuristic never makes a frame safe, and
// what the kernel would let through is a leak all the same when its contents are.

import type { Facts, ForNobody } from '../flow/facts.ts';
import { countedKind, counterName, isUncounted } from './compile/counted.ts';
import type { Way } from './compile/counted.ts';
import { compileGate, countedVerdict } from './filter/gate.ts';
import type { Passage } from './filter/gate.ts';
import { tunnelEndpoints } from './servers/hosts.ts';
import type { JudgedEndpoint } from './servers/hosts.ts';
import { NOTHING_LEARNED } from './servers/learned.ts';
import type { LearnedState } from './servers/learned.ts';
import { mustTunnelName } from './servers/names.ts';
import type { Policy } from './policy.ts';
import { describe, destinationOf, exposureOf, outside } from './reason.ts';
import { NAT64_WHY, asksForNat64, leakOf } from './rules.ts';
import type { Circumstances } from './rules.ts';
import { fillsPacket } from './shapes/shape.ts';
import type { Direction, Verdict } from './verdict.ts';
import { Protocol } from '../wire/ip/ip.ts';

export interface Judge {
  /** Every endpoint of every tunnel, in the order of the policy. */
  readonly endpoints: readonly JudgedEndpoint[];
  /**
   * Index into `endpoints` of the tunnel that this frame belongs to, its shape included, or -1. Reads header facts
   * only, allocates nothing, and costs the same for one endpoint or ten thousand.
   */
  tunnelOf(facts: Facts, direction: Direction): number;
  /**
   * Index of the TCP endpoint that this frame is for on its way up, its shape aside, or -1: what such a stream begins with is read
   * (src/flow/streams/first-bytes.ts) before it is judged.
   */
  streamOf(facts: Facts, direction: Direction): number;
  /** `words` false leaves the reason empty: whoever counts a thousand like ones needs it once. */
  judge(facts: Facts, direction: Direction, words?: boolean): Verdict;
  /** It comes down to an address that no client has here, or asks a client alone for one. */
  isForNobody(facts: Facts, direction: Direction): ForNobody;
  /** Whether block mode lets the frame pass; a frame that does not cross and is seen on wan is a breach. */
  crosses(facts: Facts, direction: Direction): boolean;
  /** A UDP packet that is let through as the question for an endpoint's own name, or as its answer (src/policy/filter/askers.ts). */
  readonly isOwnQuestion: (facts: Facts, way: Way) => boolean;
  /** An answer that the kernel does not hand on by itself while it blocks (src/policy/filter/answered.ts). */
  holds(facts: Facts, direction: Direction): boolean;
  /** The kernel counter that this frame adds to (`either` is taken as up); '' for what the bridge keeps uncounted. */
  counter(facts: Facts, direction: Direction): string;
}

/** Compiles a policy into its judge; again whenever what was learned changes. */
export function compileJudge(policy: Policy, learned: LearnedState = NOTHING_LEARNED): Judge {
  const endpoints = tunnelEndpoints(policy);
  const gate = compileGate(policy, learned);
  const safe = endpoints.map((endpoint) => tunnelVerdict(endpoint));
  const away = outside(endpoints);
  /** Written anew for every frame. */
  const seen: { -readonly [K in keyof Circumstances]: Circumstances[K] } = {
    policy,
    passage: 'leak',
    atEndpoint: false,
    mustTunnel: undefined,
    exposed: undefined,
    pretence: undefined,
    misnamed: undefined,
  };

  function tunnelOn(facts: Facts, way: Way): number {
    return fillsPacket(facts) && !facts.foreign ? gate.tunnelAt(facts, way) : -1;
  }

  function streamOf(facts: Facts, direction: Direction): number {
    if (facts.protocol !== Protocol.TCP || direction === 'down' || facts.malformed !== undefined) return -1;
    return gate.endpointOf(facts, 'up');
  }

  function tunnelOf(facts: Facts, direction: Direction): number {
    if (direction !== 'either') return tunnelOn(facts, direction);
    const up = tunnelOn(facts, 'up');
    return up >= 0 ? up : tunnelOn(facts, 'down');
  }

  /** The way on which the gate opens, if one does. */
  function wayOf(facts: Facts, direction: Direction): Way {
    if (direction !== 'either') return direction;
    return gate.passage(facts, 'up') === 'leak' && gate.passage(facts, 'down') !== 'leak' ? 'down' : 'up';
  }

  function judge(facts: Facts, direction: Direction, words = true): Verdict {
    const up = direction === 'down' ? -1 : gate.endpointOf(facts, 'up');
    const down = direction === 'up' ? -1 : gate.endpointOf(facts, 'down');
    if (up >= 0 || down >= 0) {
      const tunnel = tunnelOf(facts, direction);
      const known = tunnel < 0 ? undefined : safe[tunnel];
      if (known !== undefined) return known;
    }
    let way: Way = direction === 'down' ? 'down' : 'up';
    let passage = gate.passage(facts, way, direction === 'down' ? down : up);
    if (direction === 'either') {
      const back = gate.passage(facts, 'down', down);
      // In a capture a foreign packet at an endpoint may come from either side.
      const foreign = up < 0 && down >= 0;
      if (foreign || (passage === 'leak' && back !== 'leak')) {
        way = 'down';
        passage = back;
      }
    }
    const at = way === 'down' ? down : up;
    const endpoint = at < 0 ? undefined : endpoints[at];
    const mustTunnel = mustTunnelName(facts, policy);
    const exposed = gate.exposedName(facts, way);
    seen.passage = passage;
    seen.pretence = passage === 'plumbing' ? gate.pretence(facts) : undefined;
    seen.atEndpoint = endpoint !== undefined;
    seen.mustTunnel = mustTunnel;
    seen.exposed = exposed;
    seen.misnamed = gate.misnamed(facts, way);
    const leak = leakOf(facts, seen);
    const destination = destinationOf(facts);
    const what = words ? describe(facts, way) : '';
    if (leak === undefined) {
      const verdict = passage === 'plumbing' ? 'plumbing' : 'allowed';
      return {
        verdict,
        reason: words ? `${what}: ${whySafe(passage, facts)}` : '',
        exposure: exposureOf(facts),
        destination,
        ...(passage === 'direct' ? { direct: true as const } : {}),
      };
    }
    const where =
      endpoint === undefined ? away : `at the tunnel endpoint ${endpoint.text}, but not ${endpoint.protocol}`;
    const under = passage === 'pass' ? ', let through by a pass' : '';
    const why = leak.why === '' ? '' : ` (${leak.why})`;
    return {
      verdict: 'leak',
      rule: leak.rule,
      severity: leak.severity,
      reason: words ? `${what}, ${where}${why}${under}` : '',
      exposure: leak.rule === 'D' && exposed !== undefined ? exposed : (mustTunnel ?? exposureOf(facts)),
      destination,
    };
  }

  function crosses(facts: Facts, direction: Direction): boolean {
    if (gate.endsAtBox(facts)) return false;
    if (direction !== 'either')
      return gate.passage(facts, direction) !== 'leak' && !gate.holds(facts, direction);
    return gate.passage(facts, 'up') !== 'leak' || gate.passage(facts, 'down') !== 'leak';
  }

  function counter(facts: Facts, direction: Direction): string {
    const way = wayOf(facts, direction);
    if (isUncounted(facts)) return '';
    const passage = gate.passage(facts, way);
    if (passage === 'plumbing') return counterName(way, passage, gate.plumbing(facts, way) ?? '');
    if (passage !== 'tunnel') return counterName(way, countedVerdict(passage), countedKind(facts, way));
    const endpoint = endpoints[gate.endpointOf(facts, way)];
    const portless = facts.fragmentOffset > 0 || endpoint === undefined;
    return counterName(way, 'tunnel', portless ? 'fragment' : endpoint.tunnel);
  }

  function isForNobody(facts: Facts, direction: Direction): ForNobody {
    return direction === 'down' ? gate.isForNobody(facts) : '';
  }

  return {
    isForNobody,
    endpoints,
    tunnelOf,
    streamOf,
    judge,
    crosses,
    counter,
    isOwnQuestion: gate.isOwnQuestion,
    holds: (facts, direction) => direction === 'down' && gate.holds(facts, 'down'),
  };
}

function tunnelVerdict(endpoint: JudgedEndpoint): Verdict {
  return Object.freeze({
    verdict: 'tunnel',
    reason: `inside the tunnel ${endpoint.name} (${endpoint.text})`,
    exposure: endpoint.endpoint.host,
    destination: endpoint.endpoint.host,
  });
}

const WHY_SAFE: Readonly<Record<Exclude<Passage, 'tunnel' | 'leak' | 'pass'>, string>> = {
  plumbing: 'needed to be on the network',
  designated: 'a resolver or proxy that the policy names',
  hole: "the question for a tunnel server's own name",
  rule: 'allowed by the policy',
  range: 'allowed by the policy',
  chatter: 'local chatter, which the policy ignores',
  direct: 'may go direct in this profile',
};

function whySafe(passage: Passage, facts: Facts): string {
  if (passage === 'hole' && asksForNat64(facts)) return NAT64_WHY;
  return passage === 'tunnel' || passage === 'leak' || passage === 'pass' ? 'allowed' : WHY_SAFE[passage];
}
