// EAPOL frames by IEEE 802.1X-2020 section 11.3, identities by RFC 3748 section 5.1.
import { describe, expect, it } from 'vitest';
import { eapolFrame } from '../../../src/wire/link/eapol.ts';
import { expectBounded } from '../bounded.ts';
import { ascii, hex } from '../hex.ts';

const response = hex('01 00 000e', '02 07 000e 01', ascii('ann@uni.x'));
const read = (bytes: Uint8Array) => eapolFrame(bytes, 0, bytes.length);

describe('eapolFrame', () => {
  it('reads the identity that a client shows', () => {
    expect(read(response)).toEqual({ version: 1, type: 0, identity: 'ann@uni.x' });
    expect(read(hex(response, '00*28'))?.identity).toBe('ann@uni.x');
  });
  it('reads no identity from requests, keys and starts', () => {
    expect(read(response.slice().fill(1, 4, 5))?.identity).toBeUndefined();
    expect(read(hex('02 03 0004 02 00 00 00'))).toEqual({ version: 2, type: 3, identity: undefined });
    expect(read(hex('01 01 0000'))?.type).toBe(1);
  });
  it('refuses other versions and types and a body beyond the end', () => {
    expect(read(hex('00 01 0000'))).toBeUndefined();
    expect(read(hex('04 01 0000'))).toBeUndefined();
    expect(read(hex('01 09 0000'))).toBeUndefined();
    expect(read(response.slice(0, -1))).toBeUndefined();
    expectBounded(eapolFrame, [response]);
  });
});
