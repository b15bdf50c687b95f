// HPACK (RFC 7541): header fields in HTTP/2, and the table that both ends keep. No larger table than any client's is kept, and an
// overlong field ends the reading.

import { huffmanDecoded } from './hpack-huffman.ts';

/** A header field as octets; HTTP/2 requires names in lower case (RFC 9113 section 8.2). */
export interface HeaderField {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** The names of RFC 7541 appendix A. The values are left out, as none identifies a host. */
const STATIC_NAMES = [
  ':authority :method :method :path :path :scheme :scheme :status :status :status :status :status :status :status',
  'accept-charset accept-encoding accept-language accept-ranges accept access-control-allow-origin age allow',
  'authorization cache-control content-disposition content-encoding content-language content-length content-location',
  'content-range content-type cookie date etag expect expires from host if-match if-modified-since if-none-match',
  'if-range if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range',
  'referer refresh retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary via',
  'www-authenticate',
]
  .join(' ')
  .split(' ');

const NOTHING = new Uint8Array(0);
const STATIC: readonly HeaderField[] = STATIC_NAMES.map((name) => ({
  name: Uint8Array.from(name, (letter) => letter.charCodeAt(0)),
  value: NOTHING,
}));

const ENTRY_OVERHEAD = 32;
const DEFAULT_TABLE = 4096;
/** In octets. A server may allow more (SETTINGS_HEADER_TABLE_SIZE), but none does. Small fields take ten times as much memory. */
const LARGEST_TABLE = 16_384;
const LONGEST_STRING = 65_536;

/**
 * Reads the header blocks of one direction of a connection, in order (RFC 7541 section 6). The table is limited to 16 KiB, a string to 64
 * KiB.
 */
export class HpackReader {
  /** Oldest first. */
  readonly #entries: HeaderField[] = [];
  #size = 0;
  #maxSize = DEFAULT_TABLE;
  /** A block was invalid, so the table no longer matches that of the two ends. */
  broken = false;
  #at = 0;

  /**
   * Calls `emit` with every field of the whole block from `start` to before `end`, in order; its octets are copies, but values of the
   * static table are empty. False if this or any earlier block was invalid; the fields before the fault have been emitted. Never throws
   * itself.
   */
  read(bytes: Uint8Array, start: number, end: number, emit: (field: HeaderField) => void): boolean {
    this.#at = start;
    while (this.#at < end && !this.broken) this.#field(bytes, end, emit);
    return !this.broken;
  }

  #field(bytes: Uint8Array, end: number, emit: (field: HeaderField) => void): void {
    const first = bytes[this.#at] ?? 0;
    if (first >= 0x80) {
      const field = this.#indexed(this.#number(bytes, end, 7));
      if (field !== undefined) emit(field);
      return;
    }
    if (first >>> 5 === 1) {
      const maxSize = this.#number(bytes, end, 5);
      if (maxSize > LARGEST_TABLE) this.broken = true;
      else this.#limit(maxSize);
      return;
    }
    const isKept = first >= 0x40;
    const index = this.#number(bytes, end, isKept ? 6 : 4);
    const name = index === 0 ? this.#string(bytes, end) : this.#indexed(index)?.name;
    const value = this.#string(bytes, end);
    if (name === undefined || value === undefined) {
      this.broken = true;
      return;
    }
    const field = { name, value };
    if (isKept) this.#keep(field);
    emit(field);
  }

  #indexed(index: number): HeaderField | undefined {
    const field =
      index <= STATIC.length
        ? STATIC[index - 1]
        : this.#entries[this.#entries.length - (index - STATIC.length)];
    if (field === undefined) this.broken = true;
    return field;
  }

  #keep(field: HeaderField): void {
    this.#size += sizeOf(field);
    this.#entries.push(field);
    this.#limit(this.#maxSize);
  }

  #limit(maxSize: number): void {
    this.#maxSize = maxSize;
    let evicted = 0;
    while (this.#size > maxSize && evicted < this.#entries.length) {
      const oldest = this.#entries[evicted];
      this.#size -= oldest === undefined ? 0 : sizeOf(oldest);
      evicted += 1;
    }
    if (evicted > 0) this.#entries.splice(0, evicted);
  }

  /** An integer with a prefix of `bits` bits (RFC 7541 section 5.1). */
  #number(bytes: Uint8Array, end: number, bits: number): number {
    const mask = (1 << bits) - 1;
    let value = (bytes[this.#at] ?? 0) & mask;
    this.#at += 1;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21 && this.#at < end; shift += 7) {
      const octet = bytes[this.#at] ?? 0;
      this.#at += 1;
      value += (octet & 0x7f) << shift;
      if (octet < 0x80) return value;
    }
    this.broken = true;
    return 0;
  }

  #string(bytes: Uint8Array, end: number): Uint8Array | undefined {
    if (this.#at >= end || this.broken) return undefined;
    const isCoded = (bytes[this.#at] ?? 0) >= 0x80;
    const length = this.#number(bytes, end, 7);
    const start = this.#at;
    if (length > LONGEST_STRING || start + length > end) return undefined;
    this.#at = start + length;
    return isCoded ? huffmanDecoded(bytes, start, this.#at) : bytes.slice(start, this.#at);
  }
}

function sizeOf({ name, value }: HeaderField): number {
  return name.length + value.length + ENTRY_OVERHEAD;
}
