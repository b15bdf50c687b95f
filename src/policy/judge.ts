// Turns a parsed packet into a verdict (README.md, Rules and remedies). No clock, and no state that outlives a frame.
// When in doubt it is a leak: a kind that was recognized by a heuristic never makes a frame safe, and a frame that the kernel would let
// through is still a leak when its contents are.

import type { ParsedPacket, UnassignedField } from '../flow/parsed-packet.ts';
import { countedKind, counterName, isUncounted } from './compile/counted.ts';
import type { Direction } from './compile/counted.ts';
import { compilePacketFilter, countedVerdict } from './filter/packet-filter.ts';
import type { Passage } from './filter/packet-filter.ts';
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
import type { CaptureDirection, Verdict } from './verdict.ts';
import { Protocol } from '../wire/ip/ip.ts';

/**
 * Judges frames by one policy and learned state. Allocates only for frames that are not a tunnel's, and never throws: the bytes are
 * strangers'.
 */
export interface Judge {
  /** Every endpoint of every tunnel, in the order of the policy. */
  readonly endpoints: readonly JudgedEndpoint[];
  /**
   * Index into `endpoints` of the tunnel that this frame belongs to by address, port and shape, or -1. Reads header
   * fields only, allocates nothing, and costs the same for one endpoint or ten thousand.
   */
  tunnelOf(packet: ParsedPacket, captureDirection: CaptureDirection): number;
  /**
   * Index into `endpoints` of the TCP endpoint that this frame goes up to, whatever its shape, or -1. The first bytes of such a stream
   * are read (src/flow/streams/first-bytes.ts) before it is judged.
   */
  streamOf(packet: ParsedPacket, captureDirection: CaptureDirection): number;
  /** `words` false leaves the reason empty: a caller that counts a thousand equal frames needs the text once. */
  judge(packet: ParsedPacket, captureDirection: CaptureDirection, words?: boolean): Verdict;
  /**
   * Whether the frame comes down to an address that no client here has (`destination`), or asks a single client for such an address
   * (`target`); `''` if neither, and for other directions.
   */
  isForNobody(packet: ParsedPacket, captureDirection: CaptureDirection): UnassignedField;
  /** Whether block mode lets the frame through. A frame that should not cross and is seen on wan is a breach. */
  crosses(packet: ParsedPacket, captureDirection: CaptureDirection): boolean;
  /**
   * Whether a UDP packet is let through as the question for an endpoint's own name, or as its answer (src/policy/filter/recent-peers.ts).
   */
  readonly isOwnQuestion: (packet: ParsedPacket, direction: Direction) => boolean;
  /** Whether the frame is a DNS answer that the kernel does not forward by itself in block mode (src/policy/filter/answered.ts). */
  holds(packet: ParsedPacket, captureDirection: CaptureDirection): boolean;
  /** Name of the kernel counter that this frame adds to (`either` is taken as up); '' for frames that the bridge does not count. */
  counter(packet: ParsedPacket, captureDirection: CaptureDirection): string;
}

/**
 * Compiles a policy and the learned state into a judge; to be called again whenever one of them changes. Does not throw for a valid policy.
 */
export function compileJudge(policy: Policy, learned: LearnedState = NOTHING_LEARNED): Judge {
  const endpoints = tunnelEndpoints(policy);
  const filter = compilePacketFilter(policy, learned);
  const safe = endpoints.map((endpoint) => tunnelVerdict(endpoint));
  const outsideWords = outside(endpoints);
  /** Reused, and filled in again for every frame. */
  const seen: { -readonly [K in keyof Circumstances]: Circumstances[K] } = {
    policy,
    passage: 'leak',
    atEndpoint: false,
    mustTunnel: undefined,
    exposed: undefined,
    pretence: undefined,
    misnamed: undefined,
  };

  function tunnelOn(packet: ParsedPacket, direction: Direction): number {
    return fillsPacket(packet) && !packet.foreign ? filter.tunnelAt(packet, direction) : -1;
  }

  function streamOf(packet: ParsedPacket, captureDirection: CaptureDirection): number {
    if (packet.protocol !== Protocol.TCP || captureDirection === 'down' || packet.malformed !== undefined)
      return -1;
    return filter.endpointOf(packet, 'up');
  }

  function tunnelOf(packet: ParsedPacket, captureDirection: CaptureDirection): number {
    if (captureDirection !== 'either') return tunnelOn(packet, captureDirection);
    const up = tunnelOn(packet, 'up');
    return up >= 0 ? up : tunnelOn(packet, 'down');
  }

  /** The direction in which the frame is let through, if there is one; else up. */
  function openDirection(packet: ParsedPacket, captureDirection: CaptureDirection): Direction {
    if (captureDirection !== 'either') return captureDirection;
    return filter.passage(packet, 'up') === 'leak' && filter.passage(packet, 'down') !== 'leak'
      ? 'down'
      : 'up';
  }

  function judge(packet: ParsedPacket, captureDirection: CaptureDirection, words = true): Verdict {
    const up = captureDirection === 'down' ? -1 : filter.endpointOf(packet, 'up');
    const down = captureDirection === 'up' ? -1 : filter.endpointOf(packet, 'down');
    if (up >= 0 || down >= 0) {
      const tunnel = tunnelOf(packet, captureDirection);
      const known = tunnel < 0 ? undefined : safe[tunnel];
      if (known !== undefined) return known;
    }
    let direction: Direction = captureDirection === 'down' ? 'down' : 'up';
    let passage = filter.passage(packet, direction, captureDirection === 'down' ? down : up);
    if (captureDirection === 'either') {
      const back = filter.passage(packet, 'down', down);
      // In a capture a foreign packet at an endpoint may come from either side.
      const foreign = up < 0 && down >= 0;
      if (foreign || (passage === 'leak' && back !== 'leak')) {
        direction = 'down';
        passage = back;
      }
    }
    const at = direction === 'down' ? down : up;
    const endpoint = at < 0 ? undefined : endpoints[at];
    const mustTunnel = mustTunnelName(packet, policy);
    const exposed = filter.exposedName(packet, direction);
    seen.passage = passage;
    seen.pretence = passage === 'essential' ? filter.pretence(packet) : undefined;
    seen.atEndpoint = endpoint !== undefined;
    seen.mustTunnel = mustTunnel;
    seen.exposed = exposed;
    seen.misnamed = filter.misnamed(packet, direction);
    const leak = leakOf(packet, seen);
    const destination = destinationOf(packet);
    const what = words ? describe(packet, direction) : '';
    if (leak === undefined) {
      const verdict = passage === 'essential' ? 'essential' : 'allowed';
      return {
        verdict,
        reason: words ? `${what}: ${whySafe(passage, packet)}` : '',
        exposure: exposureOf(packet),
        destination,
        ...(passage === 'direct' ? { direct: true as const } : {}),
      };
    }
    const where =
      endpoint === undefined
        ? outsideWords
        : `at the tunnel endpoint ${endpoint.text}, but not ${endpoint.protocol}`;
    const under = passage === 'pass' ? ', let through by a captive-portal exception' : '';
    const why = leak.why === '' ? '' : ` (${leak.why})`;
    return {
      verdict: 'leak',
      rule: leak.rule,
      severity: leak.severity,
      reason: words ? `${what}, ${where}${why}${under}` : '',
      exposure: leak.rule === 'D' && exposed !== undefined ? exposed : (mustTunnel ?? exposureOf(packet)),
      destination,
    };
  }

  function crosses(packet: ParsedPacket, captureDirection: CaptureDirection): boolean {
    if (filter.endsAtBox(packet)) return false;
    if (captureDirection !== 'either')
      return filter.passage(packet, captureDirection) !== 'leak' && !filter.holds(packet, captureDirection);
    return filter.passage(packet, 'up') !== 'leak' || filter.passage(packet, 'down') !== 'leak';
  }

  function counter(packet: ParsedPacket, captureDirection: CaptureDirection): string {
    const direction = openDirection(packet, captureDirection);
    if (isUncounted(packet)) return '';
    const passage = filter.passage(packet, direction);
    if (passage === 'essential')
      return counterName(direction, passage, filter.essential(packet, direction) ?? '');
    if (passage !== 'tunnel')
      return counterName(direction, countedVerdict(passage), countedKind(packet, direction));
    const endpoint = endpoints[filter.endpointOf(packet, direction)];
    const portless = packet.fragmentOffset > 0 || endpoint === undefined;
    return counterName(direction, 'tunnel', portless ? 'fragment' : endpoint.tunnel);
  }

  function isForNobody(packet: ParsedPacket, captureDirection: CaptureDirection): UnassignedField {
    return captureDirection === 'down' ? filter.isForNobody(packet) : '';
  }

  return {
    isForNobody,
    endpoints,
    tunnelOf,
    streamOf,
    judge,
    crosses,
    counter,
    isOwnQuestion: filter.isOwnQuestion,
    holds: (packet, captureDirection) => captureDirection === 'down' && filter.holds(packet, 'down'),
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
  essential: 'needed to be on the network',
  designated: 'a resolver or proxy that the policy names',
  bootstrap: "the question for a tunnel server's own name",
  rule: 'allowed by the policy',
  range: 'allowed by the policy',
  discovery: 'link-local discovery, which the policy ignores',
  direct: 'may go direct in this profile',
};

function whySafe(passage: Passage, packet: ParsedPacket): string {
  if (passage === 'bootstrap' && asksForNat64(packet)) return NAT64_WHY;
  return passage === 'tunnel' || passage === 'leak' || passage === 'pass' ? 'allowed' : WHY_SAFE[passage];
}
