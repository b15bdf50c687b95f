// What the head of a request says, whole and cut off. Follows RFC 9112 section 3.2, whose examples are in the tables; node's own HTTP
// client writes the independent case.

import { request } from 'node:http';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  canBecomeRequest,
  HttpHead,
  httpRequest,
  isHttpRequestStart,
  isHttpResponseStart,
  requestAt,
  withoutPort,
} from '../../../src/wire/application/http1.ts';
import { HttpBody } from '../../../src/wire/application/http1-body.ts';
import { expectBounded } from '../bounded.ts';

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
      otherHosts: [],
      pages: [],
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

  test.each([
    ['GET HTTP/1.1\r\n1234User-Agent: x\r\nHost: no-target.example\r\n\r\n', 'no-target.example'],
    ['GET /x\r\nHost: no-version.example\r\n\r\n', 'no-version.example'],
    ['GET\t/x\tHTTP/1.1\r\nHost: tabs.example\r\n\r\n', 'tabs.example'],
    ['GET   /x   HTTP/1.1  \r\nHost: blanks.example\r\n\r\n', 'blanks.example'],
    ['GET /x http/1.1\r\nHost: small-letters.example\r\n\r\n', 'small-letters.example'],
    ['get /x HTTP/1.1\r\nHost: small-method.example\r\n\r\n', 'small-method.example'],
    ['GET /a b c HTTP/1.1\r\nHost: blanks-inside.example\r\n\r\n', 'blanks-inside.example'],
    ['POST\r\n'.replace('\r', ' \r') + 'Host: nothing.example\r\n\r\n', 'nothing.example'],
  ])('reads %j, which is not by the book', (text, host) => {
    expect(read(text)).toMatchObject({ host, headEnd: text.length });
  });

  test.each([
    'GET key\r\nGET other\r\n',
    'GET key\r\n\r\n',
    'OPTIONS sip:a@b SIP/2.0\r\nHost: sip.example\r\n\r\n',
    'OPTIONS rtsp://a/ RTSP/1.0\r\nHost: rtsp.example\r\n\r\n',
  ])('%j is none of HTTP', (text) => {
    expect(read(text)).toBe('not-http');
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
      (bytes, start, end) => passed(bytes, start, end, -1) - start,
      ['5\r\nhello\r\n0\r\nA: b\r\n\r\n'].map(bytesOf),
    );
    expectBounded(isHttpResponseStart, seeds.map(bytesOf));
  });
});

function passed(bytes: Uint8Array, start: number, end: number, length: number): number {
  const body = new HttpBody();
  body.begin(length);
  return body.pass(bytes, start, end);
}

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
  test.each([
    ['Content-Length: 12\r\n', 12],
    ['content-length:3\r\n', 3],
    ['Content-Length: -1\r\n', 0],
    ['Content-Length: 00000000000000000000000000000050\r\n', 50],
    ['Content-Length: +7\r\n', 7],
    ['Content-Length: 7, 7\r\n', 7],
    ['Content-Length: 7 \t\r\n', 7],
    ['Transfer-Encoding: gzip, chunked\r\n', -1],
    ['Transfer-Encoding: chunked, gzip\r\n', -1],
    ['Transfer-Encoding: gzip\r\nTransfer-Encoding: CHUNKED\r\n', -1],
    ['Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', -1],
    ['Transfer-Encoding: xchunked\r\n', 0],
    ['', 0],
  ])('after %j has %d octets', (fields, bodyLength) => {
    expect(request(fields)).toMatchObject({ bodyLength });
  });

  it('ends by its length', () => {
    expect(passed(bytesOf('abc'), 1, 3, 2)).toBe(3);
    expect(passed(bytesOf('abc'), 1, 3, 1)).toBe(2);
  });

  it.each([
    // RFC 9112 section 7.1.
    '4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n',
    '1\r\na\r\n0\r\nA: b\r\n\r\n',
    '0x0002\r\nab\r\n000\r\n\r\n',
    '1\na\n0\n\n'.replace('a\n', 'a\r\n'),
  ])('in chunks %j ends behind the empty one and its trailer, wherever it is cut', (chunks) => {
    const text = `${chunks}GET`;
    for (let cut = 0; cut <= chunks.length; cut += 1) {
      const body = new HttpBody();
      body.begin(-1);
      const first = body.pass(bytesOf(text), 0, cut);
      expect(first).toBeLessThanOrEqual(cut);
      expect(body.isOpen).toBe(cut < chunks.length);
      expect(body.pass(bytesOf(text), first, text.length)).toBe(chunks.length);
      expect(body.isOpen).toBe(false);
    }
  });

  it('whose chunks do not add up ends there', () => {
    const body = new HttpBody();
    body.begin(-1);
    expect(body.pass(bytesOf('zz\r\n'), 0, 4)).toBe(0);
    expect(body.isOpen).toBe(false);
  });
});

test('a head that comes in pieces says after each what it says when it is read at once', () => {
  const line = fc.constantFrom(
    ...[
      'Host: a.example',
      'host : b.example',
      'Host:',
      'Referer: http://c.example/',
      'Origin: null',
      'X: y',
      ' folded',
      '\t',
    ],
    ...['Content-Length: 7', 'Transfer-Encoding: gzip,', ' chunked', 'User-Agent: z', 'no colon', ''],
  );
  const first = fc.constantFrom(
    'GET / HTTP/1.1',
    'POST http://d.example/ HTTP/1.1',
    'CONNECT e.example:1 HTTP/1.0',
    'GET /',
    'get / HTTP/1.1',
    'QUERX /',
  );
  const head = fc.tuple(first, fc.array(line, { maxLength: 12 }), fc.constantFrom('\r\n', '\n'));
  fc.assert(
    fc.property(
      head,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 60, maxLength: 120 }),
      ([begin, lines, end], steps) => {
        const bytes = bytesOf(`xx${[begin, ...lines].join(end)}${end}`);
        const kept = new HttpHead();
        let to = 2;
        for (const step of steps) {
          to = Math.min(bytes.length, to + step);
          const outcome = httpRequest(bytes, 2, to, false, kept);
          expect(outcome).toEqual(httpRequest(bytes, 2, to));
          if (outcome === 'not-http' || (typeof outcome !== 'string' && outcome.headEnd >= 0)) break;
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test('of a head that comes byte by byte each line is read no more than twice', () => {
  const bytes = bytesOf(`GET / HTTP/1.1\r\n${'a:\n'.repeat(5_000)}`);
  const kept = new HttpHead();
  for (let to = 1; to <= bytes.length; to += 1) {
    httpRequest(bytes, 0, to, false, kept);
    // What is in front of it is never looked at again.
    if (kept.line !== undefined) expect(to - kept.at).toBeLessThanOrEqual(6);
  }
});
