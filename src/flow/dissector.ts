// Knows: the order in which a frame is read: headers, encapsulations, fragments, application. Must not know: policy, I/O, clocks.
// One Dissector per source of frames; taps, `analyze` and `watch` use the same.
// Between `headers` and `application` the caller asks the judge whether the frame is tunnel: those cost nothing more.

import { EtherType } from '../wire/link/ethernet.ts';
import { ApplicationReader } from './application.ts';
import type { ApplicationPorts } from './application.ts';
import { kindOfHeaders } from './headers/classify.ts';
import { behindAh, readInside } from './headers/encapsulation.ts';
import { Facts } from './facts.ts';
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
  readonly #inner: readonly Facts[] = Array.from({ length: MAX_DEPTH }, () => new Facts());

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
    facts: Facts,
  ): void {
    readHeaders(bytes, start, end, wireLength, linkType, facts);
  }

  /**
   * Sets kind and findings of the frame that `headers` has just read from the same bytes. Time in microseconds, only
   * ever compared with itself; the direction as the kernel has it, where it is known. Never throws.
   */
  application(bytes: Uint8Array, facts: Facts, timeMicros: number, direction?: 'up' | 'down'): void {
    facts.direction = direction;
    this.#read(bytes, facts, timeMicros, 0);
  }

  /**
   * Reads the frame that `headers` has just read as one of a client's to a tunnel's endpoint over TCP: sets `foreign` and, unless it
   * gives false, kind and findings. Never throws; allocates nothing once a stream is known.
   */
  stream(bytes: Uint8Array, facts: Facts, protocol: TunnelProtocol, host: string | undefined): boolean {
    facts.direction = 'up';
    return this.#application.firstBytes.read(bytes, facts, protocol, host);
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

  #read(bytes: Uint8Array, facts: Facts, timeMicros: number, depth: number): void {
    facts.kind = kindOfHeaders(facts);
    if (facts.malformed !== undefined) {
      // A first fragment may be too short for its TCP header, and is malformed; the packet can be read all the same.
      if (facts.malformed === 'tcp-short' && facts.moreFragments)
        this.#readPiece(bytes, facts, timeMicros, depth);
      this.#readOffloaded(bytes, facts, timeMicros, depth);
      return;
    }
    if (facts.fragmentOffset > 0 || facts.moreFragments) {
      this.#readFragment(bytes, facts, timeMicros, depth);
    } else {
      this.#readWhole(bytes, facts, timeMicros, depth);
    }
    if (facts.vlanTags > 0 && !isTelling(facts)) facts.kind = 'vlan';
  }

  #readOffloaded(bytes: Uint8Array, facts: Facts, timeMicros: number, depth: number): void {
    const packet = offloadedPacket(bytes, facts);
    const inner = this.#inner[depth];
    if (packet === undefined || inner === undefined) return;
    readInner(packet, 0, packet.length, packet.length, EtherType.IPV4, inner);
    inner.direction = facts.direction;
    this.#read(packet, inner, timeMicros, depth + 1);
    facts.findings = inner.findings;
    facts.flowName = inner.flowName;
    facts.connection = inner.connection;
  }

  #readWhole(bytes: Uint8Array, facts: Facts, timeMicros: number, depth: number): void {
    this.#application.read(bytes, facts);
    const inner = this.#inner[depth];
    if (inner === undefined) return;
    if (facts.kind === 'icmp') {
      readQuote(bytes, facts, inner);
      return;
    }
    if (!readInside(bytes, facts, inner)) {
      this.#readBehindAh(bytes, facts, inner, timeMicros, depth);
      return;
    }
    inner.direction = facts.direction;
    this.#read(bytes, inner, timeMicros, depth + 1);
    facts.findings = mergeFindings(facts.findings, inner.findings);
    if (facts.flowName === '') facts.flowName = inner.flowName;
    facts.connection ??= inner.connection;
    // PPPoE and MPLS are no tunnels: what Eve reads through them is a better word for the frame.
    if (facts.ipVersion === 0 && isTelling(inner)) facts.kind = inner.kind;
  }

  /** The packet stays IPsec; what Eve reads in it counts. */
  #readBehindAh(bytes: Uint8Array, facts: Facts, inner: Facts, timeMicros: number, depth: number): void {
    const upper = behindAh(bytes, facts);
    if (upper === undefined) return;
    const whole = bytes.subarray(upper.offset, facts.payloadEnd);
    readUpperOf(whole, facts, upper.protocol, inner);
    inner.direction = facts.direction;
    inner.kind = kindOfHeaders(inner);
    if (inner.malformed !== undefined) return;
    this.#readWhole(whole, inner, timeMicros, depth + 1);
    facts.findings = mergeFindings(facts.findings, inner.findings);
    if (facts.flowName === '') facts.flowName = inner.flowName;
    facts.connection ??= inner.connection;
  }

  #readFragment(bytes: Uint8Array, facts: Facts, timeMicros: number, depth: number): void {
    const inner = this.#readPiece(bytes, facts, timeMicros, depth);
    if (inner !== undefined) {
      facts.kind = inner.kind;
      facts.fromServer = inner.fromServer;
    } else if (facts.fragmentOffset === 0) {
      // A datagram's first fragment already shows what it begins with; TCP waits, its stream would lose its place.
      this.#application.readFirstFragment(bytes, facts);
    }
  }

  /** Reads the packet that this fragment was the last of, and adds its findings; undefined while others are missing. */
  #readPiece(bytes: Uint8Array, facts: Facts, timeMicros: number, depth: number): Facts | undefined {
    const fragments = facts.direction === 'down' ? this.#fragmentsDown : this.#fragments;
    const whole = fragments.accept(bytes, facts, timeMicros);
    const inner = this.#inner[depth];
    if (whole === undefined || inner === undefined) return undefined;
    readUpperOf(whole, facts, facts.protocol, inner);
    inner.direction = facts.direction;
    if (inner.malformed !== undefined) return undefined;
    inner.kind = kindOfHeaders(inner);
    this.#readWhole(whole, inner, timeMicros, depth + 1);
    facts.findings = inner.findings;
    facts.flowName = inner.flowName;
    facts.connection = inner.connection;
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
function isTelling(facts: Facts): boolean {
  return facts.malformed === undefined && !PLAIN.has(facts.kind);
}
