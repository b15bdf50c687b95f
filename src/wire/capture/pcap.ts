// The classic capture format in both byte orders, with micro- or nanoseconds: draft-ietf-opsawg-pcap. Before version 2.4 a record's
// two lengths were in the opposite order. The "modified" format (magic a1b2cd34) has a longer record header.

import type { CaptureFault, CaptureParser, PacketSink } from './capture.ts';
import {
  captureBegins,
  isPcapMagic,
  mayBeMagic,
  PCAP_FILE_HEADER,
  PCAP_MODIFIED,
  PCAP_NANOS,
} from './capture-magic.ts';
import { u32, u32le } from '../octets.ts';

const MAX_CAPTURED = 16_777_216;

/** Parses the classic capture format (draft-ietf-opsawg-pcap). Faulty is a record that claims more than 16 MiB. */
export class PcapParser implements CaptureParser {
  readonly format = 'pcap';
  fault: CaptureFault | undefined = undefined;
  readonly linkTypes = new Set<number>();
  readonly passedOver = 0;
  isBehind = false;
  wanted = PCAP_FILE_HEADER;
  #started = false;
  #little = false;
  #perMicro = 1;
  #header = 16;
  #linkType = -1;
  #minor = 4;

  push(bytes: Uint8Array, start: number, end: number, sink: PacketSink): number {
    if (this.fault !== undefined || this.isBehind) return start;
    let at = start;
    if (!this.#started) {
      if (end - at < PCAP_FILE_HEADER) return at;
      this.#readFileHeader(bytes, at);
      at += PCAP_FILE_HEADER;
    }
    const header = this.#header;
    const little = this.#little;
    const swaps = this.#minor <= 3;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (end - at >= header) {
      const seconds = view.getUint32(at, little);
      if (mayBeMagic(seconds)) {
        const begins = captureBegins(bytes, at, end);
        this.isBehind = begins === true;
        this.wanted = PCAP_FILE_HEADER;
        if (begins !== false) return at;
      }
      let captured = view.getUint32(at + 8, little);
      let wireLength = view.getUint32(at + 12, little);
      if (swaps && (this.#minor < 3 || captured > wireLength)) {
        [captured, wireLength] = [wireLength, captured];
      }
      const data = at + header;
      if (captured > end - data) {
        if (captured > MAX_CAPTURED) {
          this.fault = { code: 'damaged', message: `a record claims ${captured} captured bytes` };
          break;
        }
        this.wanted = header + captured;
        return at;
      }
      const time = seconds * 1_000_000 + view.getUint32(at + 4, little) / this.#perMicro;
      sink.packet(bytes, data, data + captured, wireLength, this.#linkType, time);
      at = data + captured;
    }
    this.wanted = header;
    return at;
  }

  #readFileHeader(bytes: Uint8Array, at: number): void {
    this.#started = true;
    this.#little = !isPcapMagic(u32(bytes, at));
    const magic = this.#u32(bytes, at);
    this.#minor = this.#little ? (bytes[at + 6] ?? 0) : (bytes[at + 7] ?? 0);
    if (magic === PCAP_NANOS) this.#perMicro = 1000;
    if (magic === PCAP_MODIFIED) this.#header = 24;
    // The upper half may contain the length of the frame check sequence.
    this.#linkType = this.#u32(bytes, at + 20) & 0xffff;
    this.linkTypes.add(this.#linkType);
  }

  #u32(bytes: Uint8Array, at: number): number {
    return this.#little ? u32le(bytes, at) : u32(bytes, at);
  }
}
