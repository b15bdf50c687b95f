// Packets of WireGuard as WARP and AmneziaWG make them, and what is almost one.

import { dnsQuery, fill, fragment6, text, udp } from './frames.ts';
import { down4, four, six } from './shape.ts';
import type { Bytes } from './frames.ts';
import type { Shape } from './shape.ts';

/** What stands in front, a number with its lowest byte first, and the rest. */
function message(padding: number, header: number, rest: number): Bytes {
  const number = [header & 255, (header >>> 8) & 255, (header >>> 16) & 255, header >>> 24];
  return [...fill(padding, 0x33), ...number, ...fill(rest - 4, 0xa7)];
}

const AWG: Readonly<Record<string, Bytes>> = {
  handshake: message(65, 1487709344, 148),
  'handshake, highest number': message(65, 2131140817, 148),
  'handshake, number below': message(65, 0x57ffffff, 148),
  'handshake, number above': message(65, 0x80000000, 148),
  'handshake, a byte longer': message(65, 1487709344, 149),
  'handshake without padding': message(0, 1487709344, 148),
  answer: message(99, 2139733608, 92),
  'answer of another number': message(99, 0x7f000000, 92),
  cookie: message(13, 2143472358, 64),
  keepalive: message(12, 2146725105, 32),
  data: message(12, 2147279904, 1200),
  'data of another number': message(12, 0x7ffd0000, 1200),
  'data with the number of usual WireGuard': [4, 0, 0, 0, ...fill(92)],
  'data that is too short': message(12, 2146725105, 31),
  ...Object.fromEntries(
    [0, 7, 9, 10, 11, 12, 13, 49, 50, 51].map((length) => [`junk of ${length}`, fill(length, 0x77)]),
  ),
  'first decoy': [0x08, 0x44, 0x81, 0x80, 0, 1, 0, 3],
  'first decoy, cut': [0x08, 0x44, 0x81, 0x80, 0, 1, 0],
  'first decoy, changed': [0x08, 0x44, 0x81, 0x80, 0, 2, 0, 3],
  'second decoy': [0x12, 0x34, ...fill(24, 9)],
  'second decoy, longer': [0x12, 0x34, ...fill(65, 9)],
  'a question': dnsQuery('a.example'),
  'a question as long as junk': dnsQuery('www.a.example', { id: 0x1234 }),
  'a request': text('GET /secret HTTP/1.1\r\nHost: www.bank.example\r\n\r\n'),
};

const WARP: Readonly<Record<string, Bytes>> = Object.fromEntries(
  (
    [
      [1, 148],
      [2, 92],
      [3, 64],
      [4, 32],
      [4, 97],
      [4, 1280],
      [1, 149],
      [4, 31],
      [5, 148],
      [0, 64],
    ] as const
  ).flatMap(([type, length]) =>
    [
      [0, 0, 0],
      [185, 25, 129],
      [185, 25, 128],
    ].map((mark): [string, Bytes] => [
      `type ${type} of ${length} with ${mark.join('.')}`,
      [type, ...mark, ...fill(length - 4, 0x5c)],
    ]),
  ),
);
const QUESTIONS: Readonly<Record<string, Bytes>> = {
  'a question': dnsQuery('www.example.com', { id: 0x0400 }),
  'a question with the mark': dnsQuery('www.example.com', { id: 0x04b9, flags: 0x1981 }),
};

const FAR: Readonly<Record<string, Bytes>> = {
  handshake: message(900, 1, 148),
  'handshake, cut': message(900, 1, 147),
  data: message(300, 4, 64),
  'data of another number': message(300, 5, 64),
  ...Object.fromEntries([99, 100, 200, 201].map((length) => [`junk of ${length}`, fill(length, 0x77)])),
  answer: message(0, 2, 92),
  'answer of another number': message(0, 3, 92),
  'answer of a larger number': message(0, 0x02000002, 92),
};
const PLAIN: Readonly<Record<string, Bytes>> = {
  handshake: message(0, 5, 148),
  'handshake of usual WireGuard': message(0, 1, 148),
  data: message(0, 1000, 64),
  'data of another number': message(0, 1001, 64),
};

function both(
  to: string,
  to6: string | undefined,
  port: number,
  packets: Readonly<Record<string, Bytes>>,
): Shape[] {
  return Object.entries(packets).flatMap(([name, bytes]) => [
    four(`${name} to ${to}`, 17, udp(40000, port, bytes), { to }),
    down4(`${name} from ${to}`, 17, udp(port, 40000, bytes), { from: to }),
    four(`${name} to ${to}, with bytes behind it`, 17, [...udp(40000, port, bytes), ...fill(9)], { to }),
    four(`first fragment of ${name} to ${to}`, 17, udp(40000, port, bytes, bytes.length + 8 + 800), {
      to,
      fragment: 0x2000,
    }),
    ...(to6 === undefined
      ? []
      : [
          six(`${name} to ${to6}`, 17, udp(40000, port, bytes), { to: to6 }),
          six(
            `first fragment of ${name} to ${to6}`,
            44,
            [...fragment6(17, 0, true), ...udp(40000, port, bytes, bytes.length + 8 + 800)],
            { to: to6 },
          ),
          six(
            `atomic fragment of ${name} to ${to6}`,
            44,
            [...fragment6(17, 0, false), ...udp(40000, port, bytes)],
            { to: to6 },
          ),
        ]),
  ]);
}

export const CHANGES: readonly Shape[] = [
  ...both('198.51.100.9', '2001:db8::9', 45678, AWG),
  ...both('198.51.100.40', '2001:db8::40', 2408, { ...WARP, ...QUESTIONS }),
  ...both('198.51.100.41', '2001:db8::41', 2408, { ...WARP, ...QUESTIONS }),
  ...both('198.51.100.42', undefined, 4242, PLAIN),
  ...both('198.51.100.43', '2001:db8::43', 51820, FAR),
];
