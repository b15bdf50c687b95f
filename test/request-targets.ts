// Requests that are none, as bytes: targets that lead nowhere and headers that contradict each other. RFC 9112, sections 2.2, 3.2 and 6.3;
// RFC 3986, section 2.1. Whoever is asked answers with 4xx or hangs up, and goes on.

const HOST = 'Host: localhost\r\n';
const LONG = 'x'.repeat(65_536);

const TARGETS = [
  ...[
    '//[',
    '//',
    '//[::1',
    '//localhost/',
    '///',
    '//%',
    '/%',
    '/%zz',
    '/%e0%a4%a',
    '/%ff',
    '/v1/incidents/%',
    '/%c3%28',
  ],
  ...[
    'http://[',
    'http://localhost/',
    'http://a:b@c:99999/',
    'ftp://x/',
    '*',
    'localhost:80',
    'x',
    '[',
    '?',
    '#',
    '@',
    '\\\\',
  ],
  ...[
    `/${LONG}`,
    `/?${LONG}`,
    '/\0',
    '/a\x7fb',
    '/a b c',
    '/\xff\xfe',
    '/%',
    `//${'['.repeat(200)}`,
    '//:@/',
    '/\\[%',
  ],
];

const HEADERS = [
  ['two hosts', `${HOST}Host: other\r\n`],
  ['no host', ''],
  ['a flood of headers', HOST + Array.from({ length: 5_000 }, (_, at) => `X-${at}: y\r\n`).join('')],
  ['two lengths', `${HOST}Content-Length: 1\r\nContent-Length: 2\r\n`],
  ['a negative length', `${HOST}Content-Length: -1\r\n`],
  ['a length that is no number', `${HOST}Content-Length: 0x10\r\n`],
  ['a huge length', `${HOST}Content-Length: 99999999999999999999999\r\n`],
  ['length and chunks', `${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n`],
  ['chunks that are not last', `${HOST}Transfer-Encoding: chunked, gzip\r\n`],
  ['an unknown coding', `${HOST}Transfer-Encoding: chonky\r\n`],
  ['a folded header', `${HOST}X: a\r\n b: c\r\n`],
  ['a header without a colon', `${HOST}nonsense\r\n`],
  ['a NUL in a header', `${HOST}X: a\0b\r\n`],
  ['a space before the colon', `${HOST}X : y\r\n`],
] as const;

/** Each with its name; 400 at least, and never 500. */
export const BAD_REQUESTS: readonly (readonly [name: string, bytes: string])[] = [
  ...TARGETS.map(
    (target) =>
      [`target ${JSON.stringify(target).slice(0, 30)}`, `GET ${target} HTTP/1.1\r\n${HOST}\r\n`] as const,
  ),
  ...HEADERS.map(([name, headers]) => [name, `POST / HTTP/1.1\r\n${headers}\r\nabc`] as const),
  ['no method', `/ HTTP/1.1\r\n${HOST}\r\n`],
  ['an unknown method', `BREW / HTTP/1.1\r\n${HOST}\r\n`],
  ['a tunnel', `CONNECT localhost:80 HTTP/1.1\r\n${HOST}\r\n`],
  ['a bad version', `GET / HTTP/9.9\r\n${HOST}\r\n`],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['line breaks', '\r\n'.repeat(5_000)],
];
