// An uplink may wrap every frame in 802.1Q tags or PPPoE. This reads a capture taken there as if it were not wrapped. Frames are unwrapped
// in place: the addresses are moved next to the inner EtherType. IEEE 802.1Q (VID 0 is a priority and not a VLAN: clause 9.6), RFC 2516,
// RFC 1661.

import type { PacketSink } from '../../wire/capture/capture.ts';
import { EtherType, HEADER_LENGTH, isTag } from '../../wire/link/ethernet.ts';
import { LinkType } from '../../wire/link/link-types.ts';
import { u16, u32 } from '../../wire/octets.ts';
import { pppoeFrame } from '../../wire/link/pppoe.ts';

/** What an uplink can wrap frames in. */
export const WRAPPINGS = ['vlan', 'pppoe'] as const;
export type Wrapping = (typeof WRAPPINGS)[number];

/**
 * Receives unwrapped frames; `aside` receives those of the uplink itself (PPPoE discovery, PPP control), which are not the client's: their
 * length on the wire in octets, and their time in microseconds since the epoch.
 */
export interface UnwrappedSink extends PacketSink {
  aside(wireLength: number, timeMicros: number): void;
}

const TAG = 4;
const ADDRESSES = 12;
const MAX_TAGS = 8;
const PPPOE_HEADER = 6;
/** PPP protocol numbers from here on are about the link itself: LCP, PAP, CHAP, IPCP, … (RFC 1661 section 2). */
const FIRST_CONTROL = 0x8000;
/** The first four octets of 01:80:c2:00:00:0x: bridges do not forward such frames, and they are not tagged. */
const LINK_LOCAL = 0x0180c200;

/**
 * Removes the given wrappings from frames, moving addresses within `bytes`, and passes them on; their length on the wire shrinks likewise.
 * A tag of VLAN 0 is always removed and does not count as a wrapping. Nothing in it throws but the sink.
 */
export class UplinkSink implements PacketSink {
  readonly #sink: UnwrappedSink;
  readonly #vlan: boolean;
  readonly #pppoe: boolean;
  #frames = 0;
  #tagged = 0;
  #inPppoe = 0;

  constructor(sink: UnwrappedSink, wrappings: readonly Wrapping[]) {
    this.#sink = sink;
    this.#vlan = wrappings.includes('vlan');
    this.#pppoe = wrappings.includes('pppoe');
  }

  /**
   * The wrappings that every frame so far had, whether they were removed or not; empty before the first frame. Link-local frames do not
   * count.
   */
  get all(): readonly Wrapping[] {
    const found: Wrapping[] = [];
    if (this.#frames > 0 && this.#tagged === this.#frames) found.push('vlan');
    if (this.#frames > 0 && this.#inPppoe === this.#frames) found.push('pppoe');
    return found;
  }

  packet(
    bytes: Uint8Array,
    start: number,
    end: number,
    wireLength: number,
    linkType: number,
    timeMicros: number,
  ): void {
    if (linkType !== LinkType.ETHERNET || end - start < HEADER_LENGTH) {
      this.#frames += 1;
      this.#sink.packet(bytes, start, end, wireLength, linkType, timeMicros);
      return;
    }
    const type = u16(bytes, start + ADDRESSES);
    if (!isTag(type) && type !== EtherType.PPPOE_SESSION && type !== EtherType.PPPOE_DISCOVERY) {
      if (u32(bytes, start) !== LINK_LOCAL) this.#frames += 1;
      this.#sink.packet(bytes, start, end, wireLength, linkType, timeMicros);
      return;
    }
    this.#wrapped(bytes, start, end, wireLength, timeMicros);
  }

  #wrapped(bytes: Uint8Array, start: number, end: number, wireLength: number, timeMicros: number): void {
    let at = start + ADDRESSES;
    let isVlan = false;
    for (let tags = 0; tags < MAX_TAGS && isTag(u16(bytes, at)) && at + TAG + 2 <= end; tags += 1) {
      isVlan ||= (u16(bytes, at + 2) & 0xfff) !== 0;
      at += TAG;
    }
    const type = u16(bytes, at);
    const isPppoe = type === EtherType.PPPOE_SESSION || type === EtherType.PPPOE_DISCOVERY;
    this.#frames += 1;
    if (isVlan) this.#tagged += 1;
    if (isPppoe) this.#inPppoe += 1;
    if (isPppoe && this.#pppoe) {
      this.#unwrapPppoe(bytes, start, at, end, wireLength, timeMicros);
      return;
    }
    const from = isVlan && !this.#vlan ? start : moved(bytes, start, at);
    this.#sink.packet(bytes, from, end, wireLength - (from - start), LinkType.ETHERNET, timeMicros);
  }

  /** `at` is the offset of PPPoE's EtherType. */
  #unwrapPppoe(
    bytes: Uint8Array,
    start: number,
    at: number,
    end: number,
    wireLength: number,
    timeMicros: number,
  ): void {
    const session = at + 2;
    // The capture may have cut the frame; PPPoE's header says how long the packet was.
    const wireEnd = start + Math.max(wireLength, end - start);
    const frame = pppoeFrame(bytes, session, end, wireEnd);
    const protocol = frame?.ppp?.protocol ?? 0;
    if (u16(bytes, at) === EtherType.PPPOE_DISCOVERY || protocol >= FIRST_CONTROL) {
      this.#sink.aside(wireLength, timeMicros);
      return;
    }
    const inner = frame?.ppp?.inner;
    if (inner === undefined || inner.etherType < 0 || inner.offset > end) {
      this.#sink.packet(bytes, start, end, wireLength, LinkType.ETHERNET, timeMicros);
      return;
    }
    const innerEnd = session + PPPOE_HEADER + u16(bytes, session + 4);
    const from = moved(bytes, start, inner.offset - 2);
    bytes[inner.offset - 2] = inner.etherType >>> 8;
    bytes[inner.offset - 1] = inner.etherType & 0xff;
    const length = Math.min(wireEnd, innerEnd) - from;
    this.#sink.packet(bytes, from, Math.min(end, innerEnd), length, LinkType.ETHERNET, timeMicros);
  }
}

/** Moves a frame's addresses to just before the EtherType at `at`; returns where the frame begins now. */
function moved(bytes: Uint8Array, start: number, at: number): number {
  const from = at - ADDRESSES;
  bytes.copyWithin(from, start, start + ADDRESSES);
  return from;
}
