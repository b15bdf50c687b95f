// Knows: what the head of a request says, whole and cut off. Must not know: TCP.
// Follows RFC 9112 section 3.2, whose examples are in the tables; node's own HTTP client writes the independent case.

import { request } from 'node:http';
import { Duplex } from 'node:stream';
import { describe, expect, it, test } from 'vitest';
import {
  bodyEnd,
  canBecomeRequest,
  httpRequest,
  isHttpRequestStart,
  isHttpResponseStart,
  requestAt,
  withoutPort,
} from '../../src/wire/http1.ts';
import { expectBounded } from './bounded.ts';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const read = (text: string, final = false): unknown => httpRequest(bytesOf(text), 0, text.length, final);

/** The octets that node's HTTP client writes. */
async function nodeRequest(path: string, host: string): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const transport = new Duplex({
      read: () => undefined,
      write: (chunk: Uint8Array) => {
        resolve(Uint8Array.from(chunk));
      },
    });
    const sent = request({
      createConnection: () => transport,
      host,
      path,
      headers: { 'User-Agent': 'Test/1' },
    });
    sent.on('error', () => sent.destroy());
    sent.end();
  });
}

describe('httpRequest', () => {
  it('reads what node says', async () => {
    const bytes = await nodeRequest('/where?q=now', 'www.Example.org');
    expect(httpRequest(bytes, 0, bytes.length)).toEqual({
      method: 'GET',
      target: '/where?q=now',
      form: 'origin',
      host: 'www.example.org',
      userAgent: 'Test/1',
      headEnd: bytes.length,
      bodyLength: 0,
    });
  });

  test.each([
    ['origin', 'GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n\r\n', 'www.example.org', undefined],
    ['absolute', 'GET http://u:p@WWW.example.org:81/x HTTP/1.1\r\nHost: p\r\n\r\n', 'p', 'www.example.org'],
    ['authority', 'CONNECT server.example.com:80 HTTP/1.1\r\n\r\n', undefined, 'server.example.com'],
    ['authority', 'CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n', undefined, '[2001:db8::1]'],
    ['asterisk', 'OPTIONS * HTTP/1.1\r\nhOST :\t a.example:8080 \r\n\r\n', 'a.example', undefined],
    ['origin', 'POST / HTTP/1.0\nA: b\nHost:a.example.\n\n', 'a.example', undefined],
    ['origin', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', undefined, undefined],
  ])('%s form: %j', (form, text, host, targetHost) => {
    const outcome = read(text) as Record<string, unknown>;
    expect(outcome).toMatchObject({ form, headEnd: text.length });
    expect([outcome['host'], outcome['targetHost']]).toEqual([host, targetHost]);
  });

  it('needs more until the Host is there', () => {
    const text = 'GET /a HTTP/1.1\r\nAccept: */*\r\nHost: leak.example\r\n';
    for (let end = 0; end < text.length; end += 1) expect(read(text.slice(0, end))).toBe('need-more');
    expect(read(text)).toMatchObject({ host: 'leak.example', headEnd: -1 });
  });

  it('gives the request line when nothing more will come', () => {
    expect(read('GET /a HTTP/1.1\r\nHos', true)).toMatchObject({ target: '/a', headEnd: -1 });
    expect(read('GET /a HT', true)).toBe('not-http');
  });

  test.each([
    'CONNECT {"verbose":false}\r\n',
    'GET /\r\n\r\n',
    'get / HTTP/1.1\r\n\r\n',
    'HELO mail.example\r\n',
    'GET \u0001\u0002\u0003',
    'HTTP/1.1 200 OK\r\n\r\n',
  ])('%j is not HTTP', (text) => {
    expect(read(text)).toBe('not-http');
  });

  test.each([
    ['FOO /x HTTP/1.1\r\nHost: any.example\r\n\r\n', 'any.example'],
    ['GET / HTTP/1.1\r\nX: a\r\n b\r\nHost:\r\n  folded.example\r\n\r\n', 'folded.example'],
    ['GET / HTTP/1.1\nHost: lines.example\n\n', 'lines.example'],
  ])('reads %j', (text, host) => {
    expect(read(text)).toMatchObject({ host, headEnd: text.length });
  });

  test.each(['CWD /pub\r\n', 'DESCRIBE rtsp://a/ RTSP/1.0\r\n', 'FOO /x HTTP/1.1', 'AB /x HTTP/1.1\r\n'])(
    '%j begins no request',
    (text) => {
      expect(isHttpRequestStart(bytesOf(text), 0, text.length)).toBe(false);
    },
  );

  it('shows octets of a hostile Host', () => {
    expect(read('GET / HTTP/1.1\r\nHost: a\0\u001b[2Jb\r\n\r\n')).toMatchObject({ host: 'a\\000\\027[2jb' });
  });

  it('reads no further than its limit', () => {
    const long = `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(6000)}Host: a.example\r\n\r\n`;
    const outcome = read(long) as Record<string, unknown>;
    expect(outcome['host']).toBeUndefined();
    expect(read(`GET /${'a'.repeat(40000)}`)).toBe('not-http');
  });

  it('is bounded', () => {
    const seeds = [
      'GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\nUser-Agent: c\r\n\r\n',
      'CONNECT a:1 HTTP/1.1\r\n',
    ];
    expectBounded((bytes, start, end) => relative(httpRequest(bytes, start, end), start), seeds.map(bytesOf));
    expectBounded(
      (bytes, start, end) => relative(httpRequest(bytes, start, end, true), start),
      seeds.map(bytesOf),
    );
    expectBounded(isHttpRequestStart, seeds.map(bytesOf));
    expectBounded(canBecomeRequest, ['GE', 'FOO /x HTTP/1.1\r\n'].map(bytesOf));
    expectBounded((bytes, start, end) => {
      const at = requestAt(bytes, start, end);
      return at < 0 ? at : at - start;
    }, ['\r\nFOO /x HTTP/1.1\r\n'].map(bytesOf));
    expectBounded(
      (bytes, start, end) => bodyEnd(bytes, start, end, -1) - start,
      ['5\r\nhello\r\n0\r\nA: b\r\n\r\n'].map(bytesOf),
    );
    expectBounded(isHttpResponseStart, seeds.map(bytesOf));
  });
});

function relative(outcome: ReturnType<typeof httpRequest>, start: number): unknown {
  if (typeof outcome === 'string' || outcome.headEnd < 0) return outcome;
  return { ...outcome, headEnd: outcome.headEnd - start };
}

test.each([
  ['a.example:80', 'a.example'],
  ['a.example:', 'a.example'],
  ['[::1]:80', '[::1]'],
  ['[::1]', '[::1]'],
  ['a.example.', 'a.example'],
])('withoutPort %s', (authority, host) => {
  expect(withoutPort(authority)).toBe(host);
});

describe('a body', () => {
  const request = (fields: string): unknown => read(`POST / HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n`);
  const end = (text: string): number => bodyEnd(bytesOf(text), 0, text.length, -1);

  test.each([
    ['Content-Length: 12\r\n', 12],
    ['content-length:3\r\n', 3],
    ['Content-Length: -1\r\n', 0],
    ['Transfer-Encoding: gzip, chunked\r\n', -1],
    ['', 0],
  ])('after %j has %d octets', (fields, bodyLength) => {
    expect(request(fields)).toMatchObject({ bodyLength });
  });

  it('ends by its length, also behind what is there', () => {
    expect(bodyEnd(bytesOf('abc'), 1, 3, 2)).toBe(3);
    expect(bodyEnd(bytesOf('abc'), 1, 3, 20)).toBe(21);
  });

  it('in chunks ends behind the empty one and its trailer', () => {
    // RFC 9112 section 7.1.
    expect(end('4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\n\r\nGET')).toBe(28);
    expect(end('1\r\na\r\n0\r\nA: b\r\n\r\nGET')).toBe(17);
    for (const cut of ['4', '4\r\nWi', '4\r\nWiki\r\n0\r\n', 'zz\r\n']) expect(end(cut)).toBe(cut.length);
  });

  it('may be followed by blank lines and the next request', () => {
    const text = '\r\nGET / HTTP/1.1\r\n';
    expect(requestAt(bytesOf(text), 0, text.length)).toBe(2);
    expect(requestAt(bytesOf('\r\n\r\n'), 0, 4)).toBe(-1);
  });
});
