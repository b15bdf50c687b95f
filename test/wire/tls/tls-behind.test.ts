// What may stand in front of a ClientHello in one segment. Headers by HAProxy's PROXY protocol specification, sections 2.1 and 2.2; replies
// by RFC 3207 and RFC 9110 section 9.3.6.

import { describe, expect, it, test } from 'vitest';
import { laterClientHello } from '../../../src/wire/tls/tls-behind.ts';
import { clientHello } from '../../policy/tls-hello.ts';
import { expectBounded } from '../bounded.ts';
import { ascii, hex } from '../hex.ts';

const HELLO = Uint8Array.from(clientHello('behind.example'));

const PROXY_V2 = hex('0d0a0d0a000d0a515549540a 2111000c c0000201c00002020fa001bb');
const CHANGE_AND_ALERT = hex('140303000101 15030300020100');

function behind(front: Uint8Array, hello: Uint8Array = HELLO): number {
  const bytes = Uint8Array.from([...front, ...hello]);
  return laterClientHello(bytes, 0, bytes.length);
}

describe('a ClientHello', () => {
  test.each([
    ['STARTTLS of mail', ascii('EHLO x\r\nSTARTTLS\r\n')],
    ['a CONNECT that waits for no answer', ascii('CONNECT a.example:443 HTTP/1.1\r\n\r\n')],
    ['PROXY version 1', ascii('PROXY TCP4 192.0.2.1 192.0.2.2 4000 443\r\n')],
    ['PROXY version 2', PROXY_V2],
    ['other records', CHANGE_AND_ALERT],
  ])('is found behind %s, also cut off', (_, front) => {
    expect(behind(front)).toBe(front.length);
    expect(behind(front, HELLO.subarray(0, 3))).toBe(front.length);
  });

  test.each([
    ['nothing', new Uint8Array(0)],
    ['text without line end', ascii('STARTTLS')],
    ['other octets', hex('00010203 0a')],
    ['more text than any upgrade has', ascii(`${'x'.repeat(5000)}\r\n`)],
  ])('is not looked for behind %s', (_, front) => {
    expect(behind(front)).toBe(-1);
  });

  it('has to be one', () => {
    expect(behind(ascii('a\r\n'), ascii('\u0016 no hello'))).toBe(-1);
    expect(behind(PROXY_V2, ascii('GET / HTTP/1.1'))).toBe(-1);
    expect(behind(CHANGE_AND_ALERT, hex('17030300021234'))).toBe(-1);
  });

  it('is looked for within bounds', () => {
    const relative = (bytes: Uint8Array, start: number, end: number): number => {
      const at = laterClientHello(bytes, start, end);
      return at < 0 ? at : at - start;
    };
    const fronts = [ascii('STARTTLS\r\n'), PROXY_V2, CHANGE_AND_ALERT];
    expectBounded(
      relative,
      fronts.map((front) => Uint8Array.from([...front, ...HELLO])),
    );
  });
});
