// The cryptographic operations needed to read a QUIC Initial, as an interface, and how its keys follow from a connection ID.
// RFC 9001 sections 5.1, 5.2 and 5.4.3, RFC 9369 section 3.3, RFC 8446 section 7.1 (HKDF-Expand-Label), RFC 5869.

/** Implemented outside src with node:crypto. All operations are synchronous and never throw for inputs of the stated lengths. */
export interface QuicCrypto {
  /** HMAC with SHA-256: 32 octets. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** AES-128 of one block of 16 octets with a key of 16 octets. */
  aes128Ecb(key: Uint8Array, block: Uint8Array): Uint8Array;
  /** The plaintext of `sealed` (ciphertext and 16-octet tag), or undefined when the tag is wrong. Key of 16 octets, nonce of 12. */
  aes128GcmOpen(
    key: Uint8Array,
    nonce: Uint8Array,
    additional: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | undefined;
}

/** A version's salt (20 octets), and the prefix of its labels: `quic ` or `quicv2 `. */
export interface QuicKeySchedule {
  readonly salt: Uint8Array;
  readonly label: string;
}

/** Keys of one direction of the Initial packet space: `key` and `headerProtection` of 16 octets, `iv` of 12. */
export interface QuicKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  readonly headerProtection: Uint8Array;
}

/**
 * The client's Initial keys for the destination connection ID of its first packet, of 0 to 20 octets (RFC 9001 section 5.2, RFC 9369
 * section 3.3). Throws only what `crypto` throws.
 */
export function clientInitialKeys(
  crypto: QuicCrypto,
  schedule: QuicKeySchedule,
  connectionId: Uint8Array,
): QuicKeys {
  const initial = crypto.hmacSha256(schedule.salt, connectionId);
  const client = expandLabel(crypto, initial, 'client in', 32);
  return {
    key: expandLabel(crypto, client, `${schedule.label}key`, 16),
    iv: expandLabel(crypto, client, `${schedule.label}iv`, 12),
    headerProtection: expandLabel(crypto, client, `${schedule.label}hp`, 16),
  };
}

/** HKDF-Expand-Label with an empty context, for at most 32 octets, so that one round of HKDF-Expand is enough. */
function expandLabel(crypto: QuicCrypto, secret: Uint8Array, label: string, length: number): Uint8Array {
  const name = `tls13 ${label}`;
  const info = new Uint8Array(2 + 1 + name.length + 1 + 1);
  info[1] = length;
  info[2] = name.length;
  for (let at = 0; at < name.length; at += 1) info[3 + at] = name.charCodeAt(at);
  // An empty context, then the counter of HKDF-Expand's first round.
  info[info.length - 1] = 1;
  return crypto.hmacSha256(secret, info).subarray(0, length);
}
