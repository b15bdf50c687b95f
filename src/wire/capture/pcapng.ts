// pcapng's blocks: sections, interfaces (each with its own link type and clock), and three kinds of packets.
// draft-ietf-opsawg-pcapng.

import type { CaptureFault, CaptureParser, PacketSink } from './capture.ts';
import {
  captureBegins,
  mayBeMagic,
  PCAP_FILE_HEADER,
  PCAPNG_BYTE_ORDER,
  PCAPNG_MAGIC,
} from './capture-magic.ts';
import { u32, u32le } from '../octets.ts';

const INTERFACE = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
const OPTION_RESOLUTION = 9;
const OPTION_OFFSET = 14;
const MAX_BLOCK = 33_554_432;
/** More interfaces and options than any machine has. Without a limit, descriptions of a few octets each could fill the memory. */
const MAX_INTERFACES = 16_384;
const MAX_OPTIONS = 1_024;

interface CaptureInterface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Microseconds in one unit of its time stamps. */
  readonly unit: number;
  readonly offsetMicros: number;
}

/**
 * Parses pcapng (draft-ietf-opsawg-pcapng): packets of enhanced, simple and obsolete blocks; other blocks are skipped. Faulty is a block
 * whose length is no multiple of 4, above 32 MiB or stated in two ways, and a section without byte order.
 */
export class PcapngParser implements CaptureParser {
  readonly format = 'pcapng';
  fault: CaptureFault | undefined = undefined;
  readonly linkTypes = new Set<number>();
  /** Packets that name no interface, or one past MAX_INTERFACES, or that do not fit their block. */
  passedOver = 0;
  isBehind = false;
  wanted = 12;
  #little = false;
  #interfaces: CaptureInterface[] = [];
  #lastTime = 0;

  push(bytes: Uint8Array, start: number, end: number, sink: PacketSink): number {
    let at = start;
    if (this.isBehind) return at;
    while (this.fault === undefined && end - at >= 12) {
      const type = this.#u32(bytes, at);
      // A new section belongs to this file; only a file of the other format needs another parser.
      if (type !== PCAPNG_MAGIC && mayBeMagic(type)) {
        const begins = captureBegins(bytes, at, end);
        this.isBehind = begins === true;
        this.wanted = PCAP_FILE_HEADER;
        if (begins !== false) return at;
      }
      if (type === PCAPNG_MAGIC && !this.#beginSection(bytes, at)) break;
      const length = this.#u32(bytes, at + 4);
      if (length < 12 || length > MAX_BLOCK || length % 4 !== 0) {
        this.fault = { code: 'damaged', message: `a block claims ${length} bytes` };
        break;
      }
      if (at + length > end) {
        this.wanted = length;
        return at;
      }
      if (this.#u32(bytes, at + length - 4) !== length) {
        this.fault = { code: 'damaged', message: 'the two lengths of a block differ' };
        break;
      }
      this.#readBlock(type, bytes, at + 8, at + length - 4, sink);
      at += length;
    }
    this.wanted = 12;
    return at;
  }

  /** A section header states its byte order and begins an empty list of interfaces. */
  #beginSection(bytes: Uint8Array, at: number): boolean {
    this.#little = u32le(bytes, at + 8) === PCAPNG_BYTE_ORDER;
    if (!this.#little && u32(bytes, at + 8) !== PCAPNG_BYTE_ORDER) {
      this.fault = { code: 'damaged', message: 'a section has no valid byte order' };
      return false;
    }
    this.#interfaces = [];
    return true;
  }

  #readBlock(type: number, bytes: Uint8Array, at: number, end: number, sink: PacketSink): void {
    switch (type) {
      case INTERFACE:
        if (end - at >= 8 && this.#interfaces.length < MAX_INTERFACES)
          this.#interfaces.push(this.#readInterface(bytes, at, end));
        return;
      case ENHANCED_PACKET:
        this.#readPacket(bytes, at, end, this.#u32(bytes, at), sink);
        return;
      case OBSOLETE_PACKET:
        this.#readPacket(bytes, at, end, this.#u16(bytes, at), sink);
        return;
      case SIMPLE_PACKET:
        this.#readSimple(bytes, at, end, sink);
        return;
      default:
    }
  }

  #readInterface(bytes: Uint8Array, at: number, end: number): CaptureInterface {
    let unit = 1;
    let offsetMicros = 0;
    let option = at + 8;
    for (let left = MAX_OPTIONS; left > 0 && option + 4 <= end; left -= 1) {
      const code = this.#u16(bytes, option);
      const length = this.#u16(bytes, option + 2);
      if (code === 0 || option + 4 + length > end) break;
      if (code === OPTION_RESOLUTION && length === 1) {
        const value = bytes[option + 4] ?? 6;
        unit = value < 128 ? 10 ** (6 - value) : 1_000_000 / 2 ** (value & 127);
      } else if (code === OPTION_OFFSET && length === 8) {
        offsetMicros = this.#i64(bytes, option + 4) * 1_000_000;
      }
      option += 4 + length + (-length & 3);
    }
    const linkType = this.#u16(bytes, at);
    this.linkTypes.add(linkType);
    return { linkType, snapLength: this.#u32(bytes, at + 4), unit, offsetMicros };
  }

  /** Enhanced and obsolete packets differ in the first field only, which the caller has read. */
  #readPacket(bytes: Uint8Array, at: number, end: number, index: number, sink: PacketSink): void {
    const captured = this.#u32(bytes, at + 12);
    const iface = this.#interfaces[index];
    // The block's two lengths agree, so the next block can be found and only this packet is lost.
    if (end - at < 20 || captured > end - at - 20 || iface === undefined) {
      this.passedOver += 1;
      return;
    }
    const stamp = this.#u32(bytes, at + 4) * 4_294_967_296 + this.#u32(bytes, at + 8);
    this.#lastTime = stamp * iface.unit + iface.offsetMicros;
    const wireLength = this.#u32(bytes, at + 16);
    sink.packet(bytes, at + 20, at + 20 + captured, wireLength, iface.linkType, this.#lastTime);
  }

  /** Simple packets have no time. They get that of the packet before, which keeps the order. */
  #readSimple(bytes: Uint8Array, at: number, end: number, sink: PacketSink): void {
    const [iface] = this.#interfaces;
    if (end - at < 4 || iface === undefined) {
      this.passedOver += 1;
      return;
    }
    const wireLength = this.#u32(bytes, at);
    let captured = Math.min(wireLength, end - at - 4);
    if (iface.snapLength > 0) captured = Math.min(captured, iface.snapLength);
    sink.packet(bytes, at + 4, at + 4 + captured, wireLength, iface.linkType, this.#lastTime);
  }

  #u16(bytes: Uint8Array, at: number): number {
    const first = bytes[at] ?? 0;
    const second = bytes[at + 1] ?? 0;
    return this.#little ? (second << 8) | first : (first << 8) | second;
  }

  #u32(bytes: Uint8Array, at: number): number {
    return this.#little ? u32le(bytes, at) : u32(bytes, at);
  }

  #i64(bytes: Uint8Array, at: number): number {
    const high = this.#u32(bytes, this.#little ? at + 4 : at) | 0;
    return high * 4_294_967_296 + this.#u32(bytes, this.#little ? at : at + 4);
  }
}
