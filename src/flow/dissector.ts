// Reads a frame in order: headers, encapsulations, fragments, application. No I/O, no clock. Taps, `analyze` and `watch` use one
// Dissector per source of frames. Between `headers` and `application` the caller asks the judge whether the frame is the tunnel's: such
// frames need no further reading.

import { EtherType } from '../wire/link/ethernet.ts';
import { ApplicationReader } from './application.ts';
import type { ApplicationPorts } from './application.ts';
import { kindOfHeaders } from './headers/classify.ts';
import { protectedByAh, readInside } from './headers/encapsulation.ts';
import { ParsedPacket } from './parsed-packet.ts';
import { mergeFindings } from './findings/findings.ts';
import { Fragments } from './headers/fragments.ts';
import { readHeaders, readInner, readUpperOf } from './headers/headers.ts';
import { readQuote } from './findings/icmp-quotes.ts';
import type { Kind, TunnelProtocol } from './kinds.ts';
import { offloadedPacket } from './headers/offloaded.ts';

export type DissectorPorts = ApplicationPorts;

/** Limits of what is remembered. What exceeds them is counted and stays unknown, which is a leak. */
export interface DissectorLimits {
  /** How many flows, rounded down to a power of two; 8192 by default. */
  readonly flows: number;
  /**
   * Octets that all TCP streams from clients together may keep, 16 MiB by default; those from the network may keep a quarter of it in
   * addition.
   */
  readonly streamBytes: number;
}

const DEFAULT_LIMITS: DissectorLimits = { flows: 8_192, streamBytes: 16_777_216 };

/** How much had to be given up since the dissector was made, for lack of room: flows, refused pieces of streams, fragmented packets. */
export interface DissectorLosses {
  readonly flowsEvicted: number;
  readonly streamsRefused: number;
  readonly fragmentsEvicted: number;
}

/** How many nested encapsulations are followed; below that, a frame keeps the kind of the outer packet. */
const MAX_DEPTH = 8;

/** Reads the frames of one source. Limits that are not given have defaults. */
export class Dissector {
  readonly #application: ApplicationReader;
  readonly #fragments = new Fragments();
  /** For packets from the network, so that their fragments neither join nor evict those of clients. */
  readonly #fragmentsDown = new Fragments();
  readonly #inner: readonly ParsedPacket[] = Array.from({ length: MAX_DEPTH }, () => new ParsedPacket());

  constructor(ports: DissectorPorts = {}, limits: Partial<DissectorLimits> = {}) {
    this.#application = new ApplicationReader(ports, { ...DEFAULT_LIMITS, ...limits });
  }

  /** Reads layers 2 to 4 of the frame in `bytes[start, end)` into `packet` (see readHeaders). Allocates nothing, never throws. */
  headers(
    bytes: Uint8Array,
    start: number,
    end: number,
    wireLength: number,
    linkType: number,
    packet: ParsedPacket,
  ): void {
    readHeaders(bytes, start, end, wireLength, linkType, packet);
  }

  /**
   * Sets kind and findings of the frame that `headers` has just read from the same bytes. `timeMicros` is in microseconds of any one
   * clock; `direction` is what the kernel says, if known. Never throws.
   */
  application(bytes: Uint8Array, packet: ParsedPacket, timeMicros: number, direction?: 'up' | 'down'): void {
    packet.direction = direction;
    this.#read(bytes, packet, timeMicros, 0);
  }

  /**
   * Reads the frame that `headers` has just read as one from a client to a tunnel endpoint over TCP (`host`: the endpoint's name, if it has
   * one, in lower case without trailing dot). Sets `foreign`; returns true if it also set kind and findings, false once the stream is known
   * to be the tunnel's. Never throws; allocates nothing once a stream is known.
   */
  stream(
    bytes: Uint8Array,
    packet: ParsedPacket,
    protocol: TunnelProtocol,
    host: string | undefined,
  ): boolean {
    packet.direction = 'up';
    return this.#application.firstBytes.read(bytes, packet, protocol, host);
  }

  /**
   * Whether the stream of the last frame given to `stream` has just carried more than a handshake (16 KiB) in both directions; true for one
   * frame of a stream.
   */
  get carriesData(): boolean {
    return this.#application.firstBytes.carries;
  }

  /** Notes that the caller counted the frame that `stream` has just read, which has data, as the tunnel's. */
  countStreamAsTunnel(): void {
    this.#application.firstBytes.passes();
  }

  /**
   * How many earlier frames of the stream of the last frame were counted as the tunnel's, once it proves foreign; 0 before. Returned only
   * once.
   */
  takeCountedAsTunnel(): number {
    return this.#application.firstBytes.takePassed();
  }

  /** What was given up so far; the counts never fall. */
  get losses(): DissectorLosses {
    const fragmentsEvicted = this.#fragments.evicted + this.#fragmentsDown.evicted;
    return { ...this.#application.losses, fragmentsEvicted };
  }

  #read(bytes: Uint8Array, packet: ParsedPacket, timeMicros: number, depth: number): void {
    packet.kind = kindOfHeaders(packet);
    if (packet.malformed !== undefined) {
      // A first fragment too short for its TCP header is malformed, but the packet can be read once it is whole.
      if (packet.malformed === 'tcp-short' && packet.moreFragments)
        this.#reassemble(bytes, packet, timeMicros, depth);
      this.#readOffloaded(bytes, packet, timeMicros, depth);
      return;
    }
    if (packet.fragmentOffset > 0 || packet.moreFragments) {
      this.#readFragment(bytes, packet, timeMicros, depth);
    } else {
      this.#readWhole(bytes, packet, timeMicros, depth);
    }
    if (packet.vlanTags > 0 && !isInformative(packet)) packet.kind = 'vlan';
  }

  #readOffloaded(bytes: Uint8Array, packet: ParsedPacket, timeMicros: number, depth: number): void {
    const octets = offloadedPacket(bytes, packet);
    const inner = this.#inner[depth];
    if (octets === undefined || inner === undefined) return;
    readInner(octets, 0, octets.length, octets.length, EtherType.IPV4, inner);
    inner.direction = packet.direction;
    this.#read(octets, inner, timeMicros, depth + 1);
    packet.findings = inner.findings;
    packet.flowName = inner.flowName;
    packet.connection = inner.connection;
  }

  #readWhole(bytes: Uint8Array, packet: ParsedPacket, timeMicros: number, depth: number): void {
    this.#application.read(bytes, packet);
    const inner = this.#inner[depth];
    if (inner === undefined) return;
    if (packet.kind === 'icmp') {
      readQuote(bytes, packet, inner);
      return;
    }
    if (!readInside(bytes, packet, inner)) {
      this.#readUnderAh(bytes, packet, inner, timeMicros, depth);
      return;
    }
    inner.direction = packet.direction;
    this.#read(bytes, inner, timeMicros, depth + 1);
    packet.findings = mergeFindings(packet.findings, inner.findings);
    if (packet.flowName === '') packet.flowName = inner.flowName;
    packet.connection ??= inner.connection;
    // PPPoE and MPLS are not tunnels: what can be read through them describes the frame better.
    if (packet.ipVersion === 0 && isInformative(inner)) packet.kind = inner.kind;
  }

  /** The packet's kind stays `ipsec`, but AH does not encrypt: findings from its content count. */
  #readUnderAh(
    bytes: Uint8Array,
    packet: ParsedPacket,
    inner: ParsedPacket,
    timeMicros: number,
    depth: number,
  ): void {
    const upper = protectedByAh(bytes, packet);
    if (upper === undefined) return;
    const whole = bytes.subarray(upper.offset, packet.payloadEnd);
    readUpperOf(whole, packet, upper.protocol, inner);
    inner.direction = packet.direction;
    inner.kind = kindOfHeaders(inner);
    if (inner.malformed !== undefined) return;
    this.#readWhole(whole, inner, timeMicros, depth + 1);
    packet.findings = mergeFindings(packet.findings, inner.findings);
    if (packet.flowName === '') packet.flowName = inner.flowName;
    packet.connection ??= inner.connection;
  }

  #readFragment(bytes: Uint8Array, packet: ParsedPacket, timeMicros: number, depth: number): void {
    const inner = this.#reassemble(bytes, packet, timeMicros, depth);
    if (inner !== undefined) {
      packet.kind = inner.kind;
      packet.fromServer = inner.fromServer;
    } else if (packet.fragmentOffset === 0) {
      // The first fragment of a datagram is read at once. TCP must wait, or its stream would lose its position.
      this.#application.readFirstFragment(bytes, packet);
    }
  }

  /** Takes a fragment; once the packet is whole, reads it and sets findings. Undefined while fragments are missing. */
  #reassemble(
    bytes: Uint8Array,
    packet: ParsedPacket,
    timeMicros: number,
    depth: number,
  ): ParsedPacket | undefined {
    const fragments = packet.direction === 'down' ? this.#fragmentsDown : this.#fragments;
    const whole = fragments.accept(bytes, packet, timeMicros);
    const inner = this.#inner[depth];
    if (whole === undefined || inner === undefined) return undefined;
    readUpperOf(whole, packet, packet.protocol, inner);
    inner.direction = packet.direction;
    if (inner.malformed !== undefined) return undefined;
    inner.kind = kindOfHeaders(inner);
    this.#readWhole(whole, inner, timeMicros, depth + 1);
    packet.findings = inner.findings;
    packet.flowName = inner.flowName;
    packet.connection = inner.connection;
    return inner;
  }
}

const PLAIN: ReadonlySet<Kind> = new Set<Kind>([
  'tcp',
  'udp',
  'icmp',
  'nd',
  'arp',
  'dhcp',
  'dhcp6',
  'eapol',
  'igmp-mld',
  'other-ip',
  'fragment',
  'l2-other',
]);

/** Whether the content describes the frame better than its tag or label. */
function isInformative(packet: ParsedPacket): boolean {
  return packet.malformed === undefined && !PLAIN.has(packet.kind);
}
