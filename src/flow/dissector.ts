// Knows: the order in which a frame is read: headers, encapsulations, fragments, application. Must not know: policy, I/O, clocks.
// One Dissector per source of frames; taps, `analyze` and `watch` use the same.
// Between `headers` and `application` the caller asks the judge whether the frame is tunnel: those cost nothing more.

import { EtherType } from '../wire/link/ethernet.ts';
import { ApplicationReader } from './application.ts';
import type { ApplicationPorts } from './application.ts';
import { kindOfHeaders } from './headers/classify.ts';
import { behindAh, readInside } from './headers/encapsulation.ts';
import { ParsedPacket } from './parsed-packet.ts';
import { mergeFindings } from './findings/findings.ts';
import { Fragments } from './headers/fragments.ts';
import { readHeaders, readInner, readUpperOf } from './headers/headers.ts';
import { readQuote } from './findings/icmp-quotes.ts';
import type { Kind, TunnelProtocol } from './kinds.ts';
import { offloadedPacket } from './headers/offloaded.ts';

export type DissectorPorts = ApplicationPorts;

/** Bounds of what is remembered; what exceeds them is counted and stays unknown: a leak. */
export interface DissectorLimits {
  readonly flows: number;
  /** Bytes all TCP streams may hold together. */
  readonly streamBytes: number;
}

const DEFAULT_LIMITS: DissectorLimits = { flows: 8_192, streamBytes: 16_777_216 };

/** What had to be given up so far. */
export interface DissectorLosses {
  readonly flowsEvicted: number;
  readonly streamsRefused: number;
  readonly fragmentsEvicted: number;
}

/** Encapsulations followed inside each other; deeper ones stay what the outer one is. */
const MAX_DEPTH = 8;

export class Dissector {
  readonly #application: ApplicationReader;
  readonly #fragments = new Fragments();
  /** Of packets that come down: nothing of them joins what a client sends, or pushes it out. */
  readonly #fragmentsDown = new Fragments();
  readonly #inner: readonly ParsedPacket[] = Array.from({ length: MAX_DEPTH }, () => new ParsedPacket());

  constructor(ports: DissectorPorts = {}, limits: Partial<DissectorLimits> = {}) {
    this.#application = new ApplicationReader(ports, { ...DEFAULT_LIMITS, ...limits });
  }

  /** Reads layers 2 to 4 (see readHeaders). Allocates nothing, never throws. */
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
   * Sets kind and findings of the frame that `headers` has just read from the same bytes. Time in microseconds, only
   * ever compared with itself; the direction as the kernel has it, where it is known. Never throws.
   */
  application(bytes: Uint8Array, packet: ParsedPacket, timeMicros: number, direction?: 'up' | 'down'): void {
    packet.direction = direction;
    this.#read(bytes, packet, timeMicros, 0);
  }

  /**
   * Reads the frame that `headers` has just read as one of a client's to a tunnel's endpoint over TCP: sets `foreign` and, unless it
   * gives false, kind and findings. Never throws; allocates nothing once a stream is known.
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

  /** The stream of the frame that was read last has just carried so much both ways that it is no handshake any more. */
  get carries(): boolean {
    return this.#application.firstBytes.carries;
  }

  /** The frame that `stream` has read, which has data, was taken for the tunnel's. */
  streamPasses(): void {
    this.#application.firstBytes.passes();
  }

  /** Frames of the same stream that were taken for the tunnel's, now that it is known to be none. Once. */
  takePassed(): number {
    return this.#application.firstBytes.takePassed();
  }

  get losses(): DissectorLosses {
    const fragmentsEvicted = this.#fragments.evicted + this.#fragmentsDown.evicted;
    return { ...this.#application.losses, fragmentsEvicted };
  }

  #read(bytes: Uint8Array, packet: ParsedPacket, timeMicros: number, depth: number): void {
    packet.kind = kindOfHeaders(packet);
    if (packet.malformed !== undefined) {
      // A first fragment may be too short for its TCP header, and is malformed; the packet can be read all the same.
      if (packet.malformed === 'tcp-short' && packet.moreFragments)
        this.#readPiece(bytes, packet, timeMicros, depth);
      this.#readOffloaded(bytes, packet, timeMicros, depth);
      return;
    }
    if (packet.fragmentOffset > 0 || packet.moreFragments) {
      this.#readFragment(bytes, packet, timeMicros, depth);
    } else {
      this.#readWhole(bytes, packet, timeMicros, depth);
    }
    if (packet.vlanTags > 0 && !isTelling(packet)) packet.kind = 'vlan';
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
      this.#readBehindAh(bytes, packet, inner, timeMicros, depth);
      return;
    }
    inner.direction = packet.direction;
    this.#read(bytes, inner, timeMicros, depth + 1);
    packet.findings = mergeFindings(packet.findings, inner.findings);
    if (packet.flowName === '') packet.flowName = inner.flowName;
    packet.connection ??= inner.connection;
    // PPPoE and MPLS are no tunnels: what Eve reads through them is a better word for the frame.
    if (packet.ipVersion === 0 && isTelling(inner)) packet.kind = inner.kind;
  }

  /** The packet stays IPsec; what Eve reads in it counts. */
  #readBehindAh(
    bytes: Uint8Array,
    packet: ParsedPacket,
    inner: ParsedPacket,
    timeMicros: number,
    depth: number,
  ): void {
    const upper = behindAh(bytes, packet);
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
    const inner = this.#readPiece(bytes, packet, timeMicros, depth);
    if (inner !== undefined) {
      packet.kind = inner.kind;
      packet.fromServer = inner.fromServer;
    } else if (packet.fragmentOffset === 0) {
      // A datagram's first fragment already shows what it begins with; TCP waits, its stream would lose its place.
      this.#application.readFirstFragment(bytes, packet);
    }
  }

  /** Reads the packet that this fragment was the last of, and adds its findings; undefined while others are missing. */
  #readPiece(
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

/** Whether content says more about the frame than the tag or label in front of it. */
function isTelling(packet: ParsedPacket): boolean {
  return packet.malformed === undefined && !PLAIN.has(packet.kind);
}
