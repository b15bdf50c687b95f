// DNSCrypt packets by draft-denis-dprive-dnscrypt sections 9 to 11 and the Anonymized DNSCrypt specification.
import { describe, expect, it } from 'vitest';
import {
  answersDnscryptQuery,
  dnscryptClientMagics,
  dnscryptQueryNonce,
  dnscryptRelay,
  hasDnscryptQueryLength,
  isDnscryptCertificateName,
  isDnscryptQuery,
  isDnscryptResponse,
} from '../../../src/wire/names/dnscrypt.ts';
import { expectBounded } from '../bounded.ts';
import { ascii, hex } from '../hex.ts';

const NONCE = '0a 50 50 7d 66 af a7 bc 38 2b bf 7e';
const query = hex('e3c3eac4701b47d5', '4b*32', NONCE, '7a*16', 'c1*256');
const response = hex(ascii('r6fnvWj8'), NONCE, '99*12', '7a*16', 'c1*128');
const certificate = hex(ascii('DNSC'), '0002 0000', '51*64', 'ab*32', 'e3c3eac4701b47d5', '00000001*3');

describe('queries and answers', () => {
  it('know the resolver by its magic', () => {
    expect(isDnscryptResponse(response, 0, response.length)).toBe(true);
    expect(isDnscryptResponse(query, 0, query.length)).toBe(false);
    expect(isDnscryptResponse(response, 0, 40)).toBe(false);
  });
  it('know a query by the magic of the certificate, or by a usual one', () => {
    const magic = hex('e3c3eac4701b47d5');
    expect(isDnscryptQuery(query, 0, query.length, magic)).toBe(true);
    expect(isDnscryptQuery(query, 0, query.length, hex('00*8'))).toBe(false);
    expect(isDnscryptQuery(query, 0, query.length)).toBe(false);
    const usual = hex(ascii('q6fnvWj8'), query.slice(8));
    expect(isDnscryptQuery(usual, 0, usual.length)).toBe(true);
    expect(isDnscryptQuery(usual, 0, usual.length - 1)).toBe(false);
  });
  it('belong together by the nonce', () => {
    const nonce = dnscryptQueryNonce(query, 0, query.length);
    expect(nonce).toEqual(hex(NONCE));
    expect(answersDnscryptQuery(hex(NONCE), response, 0, response.length)).toBe(true);
    expect(answersDnscryptQuery(hex('00*12'), response, 0, response.length)).toBe(false);
    expect(dnscryptQueryNonce(query, 0, query.length - 1)).toBeUndefined();
  });
  it('are bounded', () => {
    expectBounded(isDnscryptResponse, [response]);
    expectBounded(isDnscryptQuery, [query]);
    expectBounded(dnscryptQueryNonce, [query]);
    expectBounded((_bytes, start, end) => hasDnscryptQueryLength(start, end), [query]);
  });
});

describe('certificates', () => {
  it('give the client magic', () => {
    const answer = hex('7f478180', 'c00c 0010 0001 00000000 007d 7c', certificate, '00*4');
    expect(dnscryptClientMagics(answer, 0, answer.length)).toEqual([hex('e3c3eac4701b47d5')]);
    const two = hex(certificate, certificate);
    expect(dnscryptClientMagics(two, 0, two.length)).toHaveLength(2);
    expect(dnscryptClientMagics(certificate, 0, certificate.length - 1)).toEqual([]);
    expect(dnscryptClientMagics(certificate.slice().fill(9, 5, 6), 0, certificate.length)).toEqual([]);
    expectBounded(dnscryptClientMagics, [answer, two]);
  });
  it('are asked for by name', () => {
    expect(isDnscryptCertificateName('2.dnscrypt-cert.resolver.example')).toBe(true);
    expect(isDnscryptCertificateName('2.DNSCrypt-Cert.resolver.example.')).toBe(true);
    expect(isDnscryptCertificateName('2.dnscrypt-cert')).toBe(false);
    expect(isDnscryptCertificateName('www.dnscrypt-cert.example')).toBe(false);
  });
});

describe('dnscryptRelay', () => {
  const relayed = hex('ff*8 0000', '00*10 ffff c0000201', '01bb', query);
  it('tells for whom the query is', () => {
    expect(dnscryptRelay(relayed, 0, relayed.length)).toEqual({
      address: Uint32Array.of(0, 0, 0xffff, 0xc0000201),
      port: 443,
      queryOffset: 28,
    });
    expect(dnscryptRelay(relayed.slice().fill(1, 9, 10), 0, relayed.length)).toBeUndefined();
    expect(dnscryptRelay(relayed, 0, 39)).toBeUndefined();
    expectBounded(dnscryptRelay, [relayed]);
  });
});
