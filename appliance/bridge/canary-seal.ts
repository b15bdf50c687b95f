// Identifies the box's own forged leaks: by a secret source MAC address and by a seal, an HMAC (RFC 2104) that nobody else can make. Guessing
// the address gains nothing: frames with it are dropped in every mode, and without a valid seal they are reported like any other.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { SEAL_BYTES } from '../../src/guard/canary/canary-frames.ts';

const SERIAL_BYTES = 4;

/**
 * New at every start of the daemon, and known only to daemon and taps. `mac`: the address as a 48-bit number, its first octet in the
 * highest bits; `key`: 32 random bytes for HMAC-SHA-256.
 */
export interface CanaryKey {
  readonly mac: number;
  readonly key: Uint8Array;
}

/** A random key. Its address is locally administered and unicast (IEEE 802.3 section 3.2.3): no manufacturer has given it to a device. */
export function newCanaryKey(): CanaryKey {
  const mac = randomBytes(6);
  // Locally administered and unicast (IEEE 802.3 section 3.2.3).
  mac[0] = ((mac[0] ?? 0) & 0xfc) | 0x02;
  return { mac: mac.readUIntBE(0, 6), key: randomBytes(32) };
}

/**
 * The seal, the last SEAL_BYTES of the frame with this serial number: the number (32 bits, big-endian) and the first bytes of HMAC-SHA-256
 * over those four octets (RFC 2104, section 5, on truncation). Throws RangeError for a number outside 32 bits.
 */
export function sealOf({ key }: CanaryKey, serial: number): Uint8Array {
  const seal = Buffer.alloc(SEAL_BYTES);
  seal.writeUInt32BE(serial, 0);
  createHmac('sha256', key).update(seal.subarray(0, SERIAL_BYTES)).digest().copy(seal, SERIAL_BYTES);
  return seal;
}

/**
 * The serial number of a frame that ends with a valid seal; -1 for any other. `captured`: bytes of the frame that are in `bytes`, from its
 * start; the seal is the last SEAL_BYTES of them. Compares in constant time. Never throws.
 */
export function serialOf(canary: CanaryKey, bytes: Uint8Array, captured: number): number {
  if (captured < SEAL_BYTES) return -1;
  const seal = Buffer.from(bytes.buffer, bytes.byteOffset + captured - SEAL_BYTES, SEAL_BYTES);
  const serial = seal.readUInt32BE(0);
  return timingSafeEqual(seal, sealOf(canary, serial)) ? serial : -1;
}
