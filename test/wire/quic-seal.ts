// How a client seals an Initial packet, the other way round than src/wire reads it, with node's own HKDF. Follows RFC 9001 section 5 and
// RFC 9369 section 3.

import { createCipheriv, createHmac, hkdfSync } from 'node:crypto';

export interface SealedWith {
  readonly salt: string;
  readonly label: string;
}

export const SEAL_V1: SealedWith = { salt: '38762cf7f55934b34d179ae6a4c80cadccbb7f0a', label: 'quic ' };
export const SEAL_DRAFT_29: SealedWith = { salt: 'afbfec289993d24c9e9786f19c6111e04390a899', label: 'quic ' };
export const SEAL_V2: SealedWith = { salt: '0dede3def700a6db819381be6e269dcbf9bd2ed9', label: 'quicv2 ' };
export const SEAL_Q050: SealedWith = { salt: '504574efd066fe2f9d945cfcdbd3a7f0d3b56b45', label: 'quic ' };

/** Extract and Expand-Label at once, as node's hkdfSync does them: the first two steps of the schedule. */
function expandLabel(ikm: Buffer, salt: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0])]);
  return Buffer.from(hkdfSync('sha256', ikm, salt, info, length));
}

/** Expand alone, of a secret that is extracted already: one round is an HMAC of info and the counter. */
function expandSecret(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])]);
  return createHmac('sha256', secret).update(info).digest().subarray(0, length);
}

/** The client's key, iv and header protection for a destination connection ID. */
function clientKeys(how: SealedWith, connectionId: Buffer): { key: Buffer; iv: Buffer; hp: Buffer } {
  const client = expandLabel(connectionId, Buffer.from(how.salt, 'hex'), 'client in', 32);
  return {
    key: expandSecret(client, `${how.label}key`, 16),
    iv: expandSecret(client, `${how.label}iv`, 12),
    hp: expandSecret(client, `${how.label}hp`, 16),
  };
}

export interface Initial {
  readonly how: SealedWith;
  readonly version: number;
  /** Of the packet. */
  readonly destinationId: Buffer;
  /** What the keys come from, when it is another. */
  readonly keyId?: Buffer;
  readonly packetNumber: number;
  readonly frames: Buffer;
  readonly token?: Buffer;
  /** Payload is padded with zeros to so many octets. */
  readonly padTo?: number;
}

/** A protected Initial packet with a packet number of four octets, as in RFC 9001 appendix A.2. */
export function sealInitial(initial: Initial): Uint8Array {
  const { how, version, destinationId, packetNumber } = initial;
  const keys = clientKeys(how, initial.keyId ?? destinationId);
  const padding = Buffer.alloc(Math.max(0, (initial.padTo ?? 0) - initial.frames.length));
  const plain = Buffer.concat([initial.frames, padding]);
  const token = initial.token ?? Buffer.alloc(0);
  const number = Buffer.alloc(4);
  number.writeUInt32BE(packetNumber);
  const fixed = Buffer.alloc(5);
  fixed[0] = how === SEAL_V2 ? 0xd3 : 0xc3;
  fixed.writeUInt32BE(version, 1);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(0x4000 | (4 + plain.length + 16));
  const ids = [Buffer.from([destinationId.length]), destinationId, Buffer.from([0])];
  const header = Buffer.concat([fixed, ...ids, Buffer.from([token.length]), token, length, number]);
  const nonce = Buffer.from(keys.iv);
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ packetNumber) >>> 0, 8);
  const sealer = createCipheriv('aes-128-gcm', keys.key, nonce).setAAD(header);
  const sealed = Buffer.concat([sealer.update(plain), sealer.final(), sealer.getAuthTag()]);
  const mask = createCipheriv('aes-128-ecb', keys.hp, null).update(sealed.subarray(0, 16));
  header[0] = (header[0] ?? 0) ^ ((mask[0] ?? 0) & 0x0f);
  const at = header.length - 4;
  for (let i = 0; i < 4; i += 1) header[at + i] = (header[at + i] ?? 0) ^ (mask[i + 1] ?? 0);
  return Uint8Array.from(Buffer.concat([header, sealed]));
}

/** A CRYPTO frame; `type` 8 is Google's number for it. */
export function cryptoFrame(offset: number, data: Buffer, type = 6): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(0x4000 | data.length);
  const place = offset < 64 ? [offset] : [0x40 | (offset >>> 8), offset & 255];
  return Buffer.concat([Buffer.from([type, ...place]), length, data]);
}
