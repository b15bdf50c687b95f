// Knows: how the box tells its own forged leaks from all other frames: a sender's MAC address that nobody has been told, and a seal
// that nobody can make (RFC 2104). Must not know: what is proven by them, how they are sent.
// Who guesses the address gains nothing: frames of that sender are held in every mode, and without the seal they are told as any.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { SEAL_BYTES } from '../../src/guard/canary/canary-frames.ts';

const SERIAL_BYTES = 4;

/** Made anew at every start, and told to the taps alone. */
export interface CanaryKey {
  readonly mac: number;
  readonly key: Uint8Array;
}

export function newCanaryKey(): CanaryKey {
  const chance = randomBytes(6);
  // Locally administered, and no group's (IEEE 802.3 section 3.2.3).
  chance[0] = ((chance[0] ?? 0) & 0xfc) | 0x02;
  return { mac: chance.readUIntBE(0, 6), key: randomBytes(32) };
}

/** The end of the frame with this number. */
export function sealOf({ key }: CanaryKey, serial: number): Uint8Array {
  const seal = Buffer.alloc(SEAL_BYTES);
  seal.writeUInt32BE(serial, 0);
  createHmac('sha256', key).update(seal.subarray(0, SERIAL_BYTES)).digest().copy(seal, SERIAL_BYTES);
  return seal;
}

/** The number of a frame that ends with a seal of ours; -1 for any other. */
export function serialOf(canary: CanaryKey, bytes: Uint8Array, captured: number): number {
  if (captured < SEAL_BYTES) return -1;
  const seal = Buffer.from(bytes.buffer, bytes.byteOffset + captured - SEAL_BYTES, SEAL_BYTES);
  const serial = seal.readUInt32BE(0);
  return timingSafeEqual(seal, sealOf(canary, serial)) ? serial : -1;
}
