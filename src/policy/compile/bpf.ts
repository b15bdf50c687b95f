// The capture filter (pcap-filter(7)) that keeps a policy's tunnel packets from a tap. It may hide less than the judge calls tunnel, never
// more: what lacks the tunnel's shape, carries bytes after its datagram or goes the other way stays visible, and so does a client's data
// over TCP. The final `or vlan` shows tagged frames whether or not the kernel has stripped the tag.

import { inNetwork } from '../../wire/ip/address.ts';
import { isAnywhere } from '../servers/anywhere.ts';
import { isExact, learnedFor, tunnelEndpoints, tunnelHosts } from '../servers/hosts.ts';
import type { Host, JudgedEndpoint } from '../servers/hosts.ts';
import { NOTHING_LEARNED } from '../servers/learned.ts';
import type { LearnedState } from '../servers/learned.ts';
import type { Policy } from '../policy.ts';
import { bpfForClient } from '../filter/unassigned.ts';
import { bpfShape, hasEsp, isStream, shapeOf } from '../shapes/shape.ts';
import type { Formed } from '../shapes/shape.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/**
 * The kernel takes 4096 instructions (BPF_MAXINSNS); longer programs libpcap runs in user space, slowly. Measured with
 * `tcpdump -ddd` (libpcap 1.10): a port with its shape costs up to 121 instructions, an address up to 6.
 */
const MAX_INSTRUCTIONS = 4000;
const PER_PORT = 125;
const PER_ADDRESS = 6;

/**
 * Which frames the filter is for: those of a port, where the kernel marks the direction of each (PACKET_OUTGOING, packet(7)), or those of a
 * capture, which all go one way, or whose direction is not known (`either`).
 */
export type FilteredFrames = 'lan' | 'wan' | 'up' | 'down' | 'either';

/**
 * libpcap filter text (pcap-filter(7)) for one tap; at most 4000 instructions by estimate. `''`, which hides nothing, when there is no
 * tunnel or nothing fits: then the tap reads every frame. With more addresses than a filter holds, it hides those of the endpoints `inUse`
 * (their texts as the policy writes them, most recently used last), as many as fit from the end. Does not throw.
 */
export function compileFilter(
  policy: Policy,
  frames: FilteredFrames,
  learned: LearnedState = NOTHING_LEARNED,
  inUse: readonly string[] = [],
): string {
  const endpoints = tunnelEndpoints(policy);
  const all = tunnelHosts(endpoints, learnedFor(policy, learned));
  const forClient = { 4: bpfForClient(policy, learned, 4), 6: bpfForClient(policy, learned, 6) };
  const whole = filterOf(frames, all, all, endpoints, forClient);
  if (whole !== '' || all.length === 0) return whole;
  // If not all fit, packets to the servers' NAT64 addresses are shown.
  const own = all.filter(({ isTranslated }) => isTranslated !== true);
  const plain = filterOf(frames, own, all, endpoints, forClient);
  if (plain !== '') return plain;
  for (let from = 0; from < inUse.length; from += 1) {
    const used = new Set(inUse.slice(from));
    const found = filterOf(
      frames,
      own.filter(({ index }) => used.has(endpoints[index]?.text ?? '')),
      all,
      endpoints,
      forClient,
    );
    if (found !== '') return found;
  }
  return '';
}

function filterOf(
  frames: FilteredFrames,
  hosts: readonly Host[],
  all: readonly Host[],
  endpoints: readonly JudgedEndpoint[],
  forClient: Readonly<Record<4 | 6, string | undefined>>,
): string {
  if (hosts.length === 0 || hosts.length * PER_ADDRESS > MAX_INSTRUCTIONS) return '';
  const groups = new Map<string, { of: Formed; ports: Ports; hosts: Host[] }>();
  const ipsec = new Map<string, Host>();
  for (const host of hosts) {
    const endpoint = endpoints[host.index];
    if (endpoint === undefined) continue;
    // For these the optimizer of libpcap 1.10 makes code that reads uninitialized memory, and the kernel refuses the whole filter.
    if (hasEsp(endpoint.shape) && host.isTranslated === true) continue;
    if (isShadowed(host, all, endpoints)) continue;
    const { form } = endpoint;
    const shape = shapeOf(endpoint.protocol, endpoint.endpoint.transport, host.port);
    const own = form === undefined ? '' : endpoint.tunnel;
    const key = `${host.ipVersion} ${shape}${own} ${host.port}-${host.lastPort}`;
    const group = groups.get(key) ?? { of: { shape, form }, ports: host, hosts: [] };
    group.hosts.push(host);
    groups.set(key, group);
    if (hasEsp(endpoint.shape)) ipsec.set(host.text, host);
  }
  if (groups.size * PER_PORT + hosts.length * PER_ADDRESS > MAX_INSTRUCTIONS) return '';
  const udp = hosts.filter(({ protocol, index }) => {
    const endpoint = endpoints[index]?.endpoint;
    return protocol === Protocol.UDP && endpoint !== undefined && !isAnywhere(endpoint);
  });
  const esp = [...ipsec.values()];
  const hidden = (side: Side, family: 4 | 6): string =>
    [
      ...[...groups.values()]
        .filter((group) => group.hosts[0]?.ipVersion === family)
        .map((group) => service(side, group.of, group.ports, group.hosts)),
      later(side, family, 17, udp),
      whole(side, family, 50, esp),
      later(side, family, 50, esp),
    ]
      .filter((part) => part !== '')
      .join(' or ');
  const up = ([4, 6] as const).map((family) => hidden('dst', family));
  const down = ([4, 6] as const).map((family) => {
    const back = hidden('src', family);
    const whose = forClient[family];
    // A packet that comes down is hidden only when it is for a client; others are reported.
    return whose === undefined || back === '' ? '' : whose === '' ? back : `(${whose} and (${back}))`;
  });
  const ways = WAYS[frames].map(({ direction, when }) => {
    const parts = (direction === 'up' ? up : down).filter((part) => part !== '').join(' or ');
    return parts === '' || when === '' ? parts : `(${when} and (${parts}))`;
  });
  const tunnels = ways.filter((part) => part !== '').join(' or ');
  return tunnels === '' ? '' : `${SHORT} or ${HELD} or not (${tunnels}) or vlan`;
}

/**
 * The direction in terms of pcap-filter(7); capture files do not support these. A frame from lan may have a server's address as its source,
 * and a frame from wan a client's: neither is a tunnel packet, and both have to be reported.
 */
const WAYS: Readonly<
  Record<FilteredFrames, readonly { readonly direction: 'up' | 'down'; readonly when: string }[]>
> = {
  lan: [
    { direction: 'up', when: 'inbound' },
    { direction: 'down', when: 'outbound' },
  ],
  wan: [
    { direction: 'up', when: 'outbound' },
    { direction: 'down', when: 'inbound' },
  ],
  up: [{ direction: 'up', when: '' }],
  down: [{ direction: 'down', when: '' }],
  either: [
    { direction: 'up', when: '' },
    { direction: 'down', when: '' },
  ],
};

type Side = 'dst' | 'src';
type Ports = Pick<Host, 'port' | 'lastPort'>;

/**
 * Whether packets to these addresses and ports may belong to another endpoint: a narrower one (src/policy/servers/endpoint-index.ts), or an
 * earlier one of the same width. That endpoint may have another shape, so nothing is hidden for this one.
 */
function isShadowed(host: Host, all: readonly Host[], endpoints: readonly JudgedEndpoint[]): boolean {
  const at = all.indexOf(host);
  const own = endpoints[host.index];
  return all.some((other, place) => {
    if (other.ipVersion !== host.ipVersion || other.protocol !== host.protocol) return false;
    const bits = Math.min(host.bits, other.bits);
    if (!inNetwork(host.words, other.words, bits)) return false;
    const [mine, theirs] = [widthOf(host), widthOf(other)];
    if (theirs > mine || (theirs === mine && place >= at)) return false;
    // Two names with the same address: the port ranges of the first one apply there.
    if (mine === SINGLE && theirs === SINGLE && endpoints[other.index]?.endpoint.host !== own?.endpoint.host)
      return true;
    const meets = other.port <= host.lastPort && host.port <= other.lastPort;
    const owner = endpoints[other.index];
    return meets && (owner?.shape !== own?.shape || owner?.form !== own?.form);
  });
}

const SINGLE = 1;
function widthOf(host: Host): number {
  if (host.bits < 128) return 2 + 128 - host.bits;
  return isExact(host) ? 0 : SINGLE;
}

function addresses(side: Side, family: 4 | 6, hosts: readonly Host[]): string {
  const word = family === 4 ? 'ip' : 'ip6';
  const texts = new Set(
    hosts
      .filter(({ ipVersion }) => ipVersion === family)
      .map(({ text, bits }) => {
        const length = family === 4 ? bits - 96 : bits;
        if (length === 0) return word;
        return `${word} ${side} ${bits === 128 ? `host ${text}` : `net ${text}/${length}`}`;
      }),
  );
  const terms = [...texts];
  return terms.length === 0 ? '' : `(${terms.join(' or ')})`;
}

/** A header without options and with the right version; the IP length does not exceed the frame. */
const PLAIN4 = 'ip[0] = 0x45';
const WHOLE6 = 'ip6[0] >> 4 = 6 and len - 54 >= ip6[4:2]';

/**
 * A BPF program that reads past the end of a frame drops the frame at once, whatever comes after `or`. So short frames
 * are shown before anything is read (no card sends less than 60 bytes), and lengths are tested before the bytes they cover.
 */
const SHORT = 'len < 60';

/**
 * Frames that the bridge itself drops or takes (`entersBridge` in packet-filter.ts): from a group address or none, or to a group that ends
 * at the bridge. Whatever they carry, they are not tunnel packets.
 */
const HELD =
  '(ether[6] & 1 != 0 or (ether[6:4] = 0 and ether[10:2] = 0) or ' +
  '(ether[0:4] = 0x0180c200 and ether[4:2] < 16 and ether[4:2] != 0 and ether[4:2] != 3))';

/** Whole packets and first fragments by port. */
function service(side: Side, of: Formed, port: Ports, hosts: readonly Host[]): string {
  const family = hosts[0]?.ipVersion ?? 4;
  const who = addresses(side, family, hosts);
  if (family === 4) return `(${who} and ${isStream(of.shape) ? tcp4(side, port) : udp4(side, of, port)})`;
  if (isStream(of.shape)) return `(${who} and ${tcp6(side, port)})`;
  return `(${who} and (${udp6(side, of, port, 40)} or ${udp6(side, of, port, 48)}))`;
}

/** A range in one unsigned comparison: the optimizer of libpcap 1.10 confuses two comparisons of the same field. */
function portMatch(field: string, { port, lastPort }: Ports): string {
  return port === lastPort ? `${field} = ${port}` : `${field} - ${port} <= ${lastPort - port}`;
}

/** For IPv4. */
function portOf(transport: 'udp' | 'tcp', side: Side, ports: Ports): string {
  const { port, lastPort } = ports;
  if (port === lastPort) return `${transport} ${side} port ${port}`;
  return portMatch(`${transport}[${side === 'dst' ? 2 : 0}:2]`, ports);
}

/** A client's SYN and data are shown. Its acknowledgements and everything that comes down are hidden. */
function tcp4(side: Side, port: Ports): string {
  // The packet must hold the whole TCP header, and on the way up nothing after it.
  const length = side === 'dst' ? '=' : '>=';
  const header = `tcp[12] >> 4 >= 5 and ip[2:2] ${length} (tcp[12] >> 4) * 4 + 20 and ip[2:2] >= 40${side === 'dst' ? ' and tcp[13] & 2 = 0' : ''}`;
  return `(${PLAIN4} and ip[6:2] & 0x3fff = 0 and ${portOf('tcp', side, port)} and ${header} and len - 14 >= ip[2:2])`;
}

function udp4(side: Side, of: Formed, port: Ports): string {
  const at = (offset: number, size: number): string => `udp[${8 + offset}:${size}]`;
  // In a first fragment the datagram is longer than the packet; otherwise it must fill the packet.
  const fills =
    '((ip[6:2] & 0x2000 != 0 and ip[2:2] >= 40) or (ip[6:2] & 0x2000 = 0 and ip[2:2] = udp[4:2] + 20))';
  return `(${PLAIN4} and ${portOf('udp', side, port)} and ip[2:2] >= 28 and len - 14 >= ip[2:2] and ${fills} and ${bpfShape(of, at, (bytes) => `ip[2:2] >= ${28 + bytes}`)})`;
}

function tcp6(side: Side, port: Ports): string {
  const ports = portMatch(`ip6[${side === 'dst' ? 42 : 40}:2]`, port);
  const length = side === 'dst' ? '=' : '>=';
  const header = `ip6[52] >> 4 >= 5 and ip6[4:2] ${length} (ip6[52] >> 4) * 4${side === 'dst' ? ' and ip6[53] & 2 = 0' : ''}`;
  return `(${WHOLE6} and ip6[4:2] >= 20 and ip6[6] = 6 and ${ports} and ${header})`;
}

/** libpcap's `udp[…]` is IPv4 only. The header is at byte 40, or at 48 after a fragment header alone. */
function udp6(side: Side, of: Formed, port: Ports, header: 40 | 48): string {
  const at = (offset: number, size: number): string => `ip6[${header + 8 + offset}:${size}]`;
  const shape = bpfShape(of, at, (bytes) => `ip6[4:2] >= ${header - 32 + bytes}`);
  const ports = portMatch(at(side === 'dst' ? -6 : -8, 2), port);
  if (header === 40)
    return `(${WHOLE6} and ip6[4:2] >= 8 and ip6[6] = 17 and ${ports} and ip6[4:2] = ${at(-4, 2)} and ${shape})`;
  const fills = `(ip6[42:2] & 1 = 1 or ip6[4:2] = ${at(-4, 2)} + 8)`;
  return `(${WHOLE6} and ip6[4:2] >= 28 and ip6[6] = 44 and ip6[40] = 17 and ip6[42:2] & 0xfff8 = 0 and ${ports} and ${fills} and ${shape})`;
}

/** Later fragments, by address and protocol. */
function later(side: Side, family: 4 | 6, protocol: 17 | 50, hosts: readonly Host[]): string {
  const who = addresses(side, family, hosts);
  if (who === '') return '';
  if (family === 4) {
    return `(${who} and ${PLAIN4} and ip[9] = ${protocol} and ip[6:2] & 0x1fff != 0 and len - 14 >= ip[2:2] and ip[2:2] >= 20)`;
  }
  return `(${who} and ${WHOLE6} and ip6[4:2] >= 8 and ip6[6] = 44 and ip6[40] = ${protocol} and ip6[42:2] & 0xfff8 != 0)`;
}

/** ESP, whole or a first fragment: it has neither port nor shape. */
function whole(side: Side, family: 4 | 6, protocol: 50, hosts: readonly Host[]): string {
  const who = addresses(side, family, hosts);
  if (who === '') return '';
  if (family === 4) {
    return `(${who} and ${PLAIN4} and ip[9] = ${protocol} and ip[6:2] & 0x1fff = 0 and (ip[2:2] >= 40 or (ip[2:2] >= 28 and ip[6:2] & 0x2000 = 0)) and len - 14 >= ip[2:2])`;
  }
  const first = `(ip6[6] = ${protocol} and ip6[4:2] >= 8) or (ip6[4:2] >= 28 and ip6[6] = 44 and ip6[40] = ${protocol} and ip6[42:2] & 0xfff8 = 0)`;
  return `(${who} and ${WHOLE6} and (${first}))`;
}
