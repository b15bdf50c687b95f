// The numbers that capture files begin with, and how an appended second capture is distinguished from a record.
// draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.

import { u16, u32, u32le } from '../octets.ts';

const PCAP_MICROS = 0xa1b2c3d4;
/** Records have nanoseconds in place of microseconds. */
export const PCAP_NANOS = 0xa1b23c4d;
/** Records have 24 octets of header in place of 16. */
export const PCAP_MODIFIED = 0xa1b2cd34;
/** The type of a section header, the same in both byte orders. */
export const PCAPNG_MAGIC = 0x0a0d0d0a;
/** The third word of a section header, by which its byte order is known. */
export const PCAPNG_BYTE_ORDER = 0x1a2b3c4d;
/** Octets of pcap's file header. */
export const PCAP_FILE_HEADER = 24;

const MAJOR = 2;
const NEWEST_MINOR = 4;

/** Whether a 32-bit number, read in the file's byte order, is one of the classic format's three magic numbers (draft-ietf-opsawg-pcap). */
export function isPcapMagic(magic: number): boolean {
  return magic === PCAP_MICROS || magic === PCAP_NANOS || magic === PCAP_MODIFIED;
}

/**
 * Whether an unsigned 32-bit word, in either byte order, may be a magic number of pcap or pcapng (draft-ietf-opsawg-pcap,
 * draft-ietf-opsawg-pcapng); `captureBegins` decides. Cheap enough for every record.
 */
export function mayBeMagic(word: number): boolean {
  return word >>> 16 === 0xa1b2 || (word & 0xffff) === 0xb2a1 || word === PCAPNG_MAGIC;
}

/**
 * Whether another capture, pcap up to version 2.4 or pcapng (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng), begins at `at`; `need-more`
 * when its header is not complete before `end` (24 octets for pcap, 12 for pcapng). A record could be mistaken for one only if its time is
 * in 2055 and the fraction of a second looks like a version, or if its length is one that no record has. Never throws.
 */
export function captureBegins(bytes: Uint8Array, at: number, end: number): boolean | 'need-more' {
  const big = u32(bytes, at);
  const little = u32le(bytes, at);
  if (big === PCAPNG_MAGIC) {
    if (end - at < 12) return 'need-more';
    return u32(bytes, at + 8) === PCAPNG_BYTE_ORDER || u32le(bytes, at + 8) === PCAPNG_BYTE_ORDER;
  }
  if (!isPcapMagic(big) && !isPcapMagic(little)) return false;
  if (end - at < PCAP_FILE_HEADER) return 'need-more';
  const [major, minor] = isPcapMagic(big)
    ? [u16(bytes, at + 4), u16(bytes, at + 6)]
    : [u32le(bytes, at + 4) & 0xffff, u32le(bytes, at + 4) >>> 16];
  return major === MAJOR && minor <= NEWEST_MINOR;
}
