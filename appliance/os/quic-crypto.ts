// The three crypto operations that src/wire/quic/quic-crypto.ts needs, by Node's crypto: FIPS 197 (AES), NIST SP 800-38D (GCM), RFC 2104
// (HMAC).

import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { QuicCrypto } from '../../src/wire/quic/quic-crypto.ts';

const TAG_LENGTH = 16;

/**
 * The operations by Node's crypto. `aes128GcmOpen` takes the ciphertext with the 16-byte tag at its end; undefined when it is too short or
 * the tag does not match.
 */
export const nodeQuicCrypto: QuicCrypto = {
  hmacSha256: (key, data) => createHmac('sha256', key).update(data).digest(),

  aes128Ecb: (key, block) => createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(block),

  aes128GcmOpen: (key, nonce, additional, sealed) => {
    if (sealed.length < TAG_LENGTH) return undefined;
    const body = sealed.subarray(0, sealed.length - TAG_LENGTH);
    const opener = createDecipheriv('aes-128-gcm', key, nonce, { authTagLength: TAG_LENGTH });
    opener.setAAD(additional).setAuthTag(sealed.subarray(sealed.length - TAG_LENGTH));
    const plain = opener.update(body);
    try {
      opener.final();
      return plain;
    } catch {
      // Not an error here: the packet was encrypted with other keys.
      return undefined;
    }
  },
};
