// Knows: what an uplink wraps round every frame (802.1Q tags, PPPoE), and how a capture taken there is read as if the wrapping
// were not there. Must not know: files, policy. Follows IEEE 802.1Q (VID 0 is a priority and no VLAN: clause 9.6), RFC 2516, RFC 1661.
// The wrapping is taken off in place: addresses are moved up to what they belong to.

import type { PacketSink } from '../../wire/capture/capture.ts';
import { EtherType, HEADER_LENGTH, isTag } from '../../wire/link/ethernet.ts';
import { LinkType } from '../../wire/link/link-types.ts';
import { u16, u32 } from '../../wire/octets.ts';
import { pppoeFrame } from '../../wire/link/pppoe.ts';

export const WRAPPINGS = ['vlan', 'pppoe'] as const;
export type Wrapping = (typeof WRAPPINGS)[number];

/** Where frames go; `aside` takes those that are the uplink's own, and carry nothing of the client's. */
export interface UnwrappedSink extends PacketSink {
  aside(wireLength: number, timeMicros: number): void;
}

const TAG = 4;
const ADDRESSES = 12;
const MOST_TAGS = 8;
const PPPOE_HEADER = 6;
/** From here on PPP's protocols are about the link itself: LCP, PAP, CHAP, IPCP, … (RFC 1661 section 2). */
const FIRST_CONTROL = 0x8000;
/** 01:80:c2:00:00:0x: no bridge hands them on, and no tag is put on them. */
const LINK_LOCAL = 0x0180c200;

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

  /** What every frame so far was wrapped in. */
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
    for (let tags = 0; tags < MOST_TAGS && isTag(u16(bytes, at)) && at + TAG + 2 <= end; tags += 1) {
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

  /** `at` is where the EtherType of PPPoE stands. */
  #unwrapPppoe(
    bytes: Uint8Array,
    start: number,
    at: number,
    end: number,
    wireLength: number,
    timeMicros: number,
  ): void {
    const session = at + 2;
    // Cut by the capture: the header says how long the packet was.
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

/** Moves the addresses of a frame in front of the EtherType at `at`; gives where the frame begins now. */
function moved(bytes: Uint8Array, start: number, at: number): number {
  const from = at - ADDRESSES;
  bytes.copyWithin(from, start, start + ADDRESSES);
  return from;
}
