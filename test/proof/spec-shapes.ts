// The specification, continued: the form of each tunnel's packets, by which they are told from anything else at the server's port.
// WireGuard white paper section 5.4, the OpenVPN wire protocol, RFC 7296, RFC 3948, RFC 9329; what is readable by RFC 8446, 9112, 4253, 1035.

import { or } from './expr.ts';
import type { Frame } from './frame.ts';
import type { ShapeName } from './spec-state.ts';
import { both, either, is, isAtLeast, isFrom, isMasked, isNot, isZero, no } from './terms.ts';
import type { Field, Fields, Formula } from './terms.ts';

/** A packet or first fragment at a server; what says `length` is the datagram's own, which the kernel cannot hold against the packet's. */
export function hasShape(f: Fields, frame: Frame, shape: ShapeName, family: 4 | 6): Formula {
  const { length } = f.udp;
  const packet = f.ip[family].length;
  const header = family === 4 ? 20 : 0;
  // The bytes that are looked at are the packet's own, not what fills a short frame up.
  const holdsHead = isAtLeast(packet, header + 20);
  const type = f.payload(0, 4);
  switch (shape) {
    case 'wireguard':
      // Transport data is no DNS question with the number 0x0400; then initiation, response, cookie reply.
      return both(
        holdsHead,
        either(
          both(is(type, 0x04000000), isNot(f.payload(4, 4), 0x00010000), isAtLeast(length, 8 + 32)),
          both(is(type, 0x01000000), is(length, 8 + 148)),
          both(is(type, 0x02000000), is(length, 8 + 92)),
          both(is(type, 0x03000000), is(length, 8 + 64)),
        ),
      );
    case 'openvpn':
      return both(
        holdsHead,
        no(isPlainQuestion(f.payload)),
        isFrom(f.payload(0, 1), 0x08, 0x5f),
        isAtLeast(length, 22),
      );
    case 'isakmp':
      return both(holdsHead, no(isPlainQuestion(f.payload)), isAtLeast(length, 36));
    case 'natt': {
      // A keepalive is one byte; behind four zeros IKE stands, behind anything else ESP.
      const keepalive = both(isAtLeast(packet, header + 9), is(length, 9), is(f.payload(0, 1), 0xff));
      const ike = both(isZero(type), isAtLeast(length, 8 + 4 + 28));
      const esp = both(
        isFrom(type, 0x100, 0xffffffff),
        isAtLeast(length, 24),
        no(isPlainQuestion(f.payload)),
      );
      return either(keepalive, both(isNot(length, 9), holdsHead, either(ike, esp)));
    }
    case 'udp':
      return isAtLeast(length, 8);
    case 'tcp':
    case 'openvpn_tcp':
    case 'tor':
    case 'ike_tcp':
      return both(
        isFrom(f.tcp.words, 5, 15),
        isAtLeast(packet, header + 20),
        frame.kind.way === 'up' ? no(beginsReadably(f, shape, family)) : both(),
      );
  }
}

/** No flag but RD, AD, CD; one question, no answer, no authority, at most one additional record (RFC 1035 section 4.1.1). */
export function isPlainQuestion(at: (byte: number, bytes: number) => Field): Formula {
  return both(isMasked(at(2, 2), 0xfecf, 0), is(at(4, 4), 0x00010000), is(at(8, 4), 0, 1));
}

const REQUESTS = [
  'GET /',
  'POST /',
  'HEAD /',
  'PUT /',
  'DELETE /',
  'PATCH /',
  'TRACE /',
  'OPTIONS /',
  'OPTIONS *',
  'PROPFIND /',
  'REPORT /',
  'SUBSCRIBE /',
  'CONNECT ',
  'PRI * HTTP/',
];
const BANNERS = ['SSH-2.0-', 'SSH-1.'];
/** Which readable beginnings are none of the tunnel's own. */
const FOREIGN: Readonly<
  Record<string, { readonly hello: boolean; readonly banner: boolean; readonly query: boolean }>
> = {
  tcp: { hello: false, banner: false, query: true },
  openvpn_tcp: { hello: true, banner: true, query: true },
  tor: { hello: false, banner: true, query: true },
  ike_tcp: { hello: true, banner: true, query: false },
};

/** What a client says begins with twelve bytes, all of them the packet's, that anybody can read. */
function beginsReadably(f: Fields, shape: string, family: 4 | 6): Formula {
  const { hello = false, banner = false, query = false } = FOREIGN[shape] ?? {};
  const at = f.content;
  const text = (words: string): Formula =>
    both(
      ...Array.from(words, (letter, i) =>
        // Not every bit is compared: of the sixth byte the first is left out.
        i === 5 ? isMasked(at(i, 1), 0x7f, letter.charCodeAt(0)) : is(at(i, 1), letter.charCodeAt(0)),
      ),
      ...Array.from({ length: Math.max(0, 12 - words.length) }, (_, i) =>
        isMasked(at(words.length + i, 1), 0x80, 0),
      ),
    );
  const isHello = both(is(at(0, 2), 0x1603), isFrom(at(2, 1), 0, 4), is(at(5, 2), 0x0100), is(at(9, 1), 3));
  const isQuery = both(isMasked(at(4, 2), 0xfecf, 0), is(at(6, 4), 0x00010000), isZero(at(10, 2)));
  const held = or(
    ...Array.from({ length: 11 }, (_, i) => i + 5).map((words) =>
      both(is(f.tcp.words, words), isAtLeast(f.ip[family].length, (family === 4 ? 20 : 0) + 4 * words + 12)),
    ),
  );
  return both(
    held,
    either(
      ...REQUESTS.map(text),
      banner ? either(...BANNERS.map(text)) : either(),
      hello ? isHello : either(),
      query ? isQuery : either(),
    ),
  );
}
