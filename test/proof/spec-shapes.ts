// The specification, continued: the form of each tunnel's packets, by which they are told from anything else at the server's port.
// WireGuard white paper section 5.4, the OpenVPN wire protocol, RFC 7296, RFC 3948, RFC 9329; what is readable by RFC 8446, 9112, 4253,
// 1035. Of meshes Tailscale's disco and its STUN client (RFC 8489), Nebula's header of version 1, ZeroTier's of version 1 (README.md,
// Meshes); AmneziaWG's parameters and WARP's reserved bytes (README.md, Endpoints).

import type { TunnelForm } from '../../src/policy/policy.ts';
import { or } from './expr.ts';
import type { Frame } from './frame.ts';
import type { Service } from './spec-state.ts';
import { ALWAYS, both, either, is, isAtLeast, isFrom, isMasked, isNot, isZero, no } from './terms.ts';
import type { Field, Fields, Formula } from './terms.ts';

/** A packet or first fragment at a server; what says `length` is the datagram's own, which the kernel cannot hold against the packet's. */
export function hasShape(f: Fields, frame: Frame, { shape, form }: Service, family: 4 | 6): Formula {
  const { length } = f.udp;
  const packet = f.ip[family].length;
  const header = family === 4 ? 20 : 0;
  const isUp = frame.kind.way === 'up';
  // The bytes that are looked at are the packet's own, not what fills a short frame up.
  const holdsHead = isAtLeast(packet, header + 20);
  /** The same of more bytes; with a fragment header before them where such packets may be in pieces. */
  const holds = (bytes: number, mayBePiece: boolean): Formula => {
    if (family === 4) return isAtLeast(packet, 28 + bytes);
    if (mayBePiece) return isAtLeast(packet, 16 + bytes);
    return frame.kind.content.form === '6 piece' ? either() : isAtLeast(packet, 8 + bytes);
  };
  const isQuestion = isPlainQuestion(f.payload);
  const says = (at: number, bytes: number, ...values: readonly (number | bigint)[]): Formula =>
    is(f.payload(at, bytes), ...values);
  const wireguard = (type: (number: number) => Formula): Formula =>
    either(
      // Transport data is no DNS question with the number 0x0400; then initiation, response, cookie reply.
      both(type(4), isNot(f.payload(4, 4), 0x00010000), isAtLeast(length, 8 + 32)),
      both(type(1), is(length, 8 + 148)),
      both(type(2), is(length, 8 + 92)),
      both(type(3), is(length, 8 + 64)),
    );
  const unchanged = wireguard((type) => says(0, 4, type * 0x1000000));
  if (form?.kind === 'amnezia') return amnezia(f, form, holdsHead, holds);
  if (form?.kind === 'reserved') {
    // Three bytes behind the type, which a server may leave zero.
    const { bytes } = form;
    const mark = bytes === 'any' ? 0 : (bytes[0] << 16) | (bytes[1] << 8) | bytes[2];
    const own = wireguard((type) =>
      bytes === 'any' ? says(0, 1, type) : says(0, 4, type * 0x1000000, type * 0x1000000 + mark),
    );
    return both(holdsHead, no(isQuestion), own);
  }
  switch (shape) {
    case 'wireguard':
      return both(holdsHead, unchanged);
    case 'openvpn':
      return both(holdsHead, no(isQuestion), isFrom(f.payload(0, 1), 0x08, 0x5f), isAtLeast(length, 22));
    case 'isakmp':
      return both(holdsHead, no(isQuestion), isAtLeast(length, 36));
    case 'natt': {
      // A keepalive is one byte; behind four zeros IKE stands, behind anything else ESP.
      const keepalive = both(isAtLeast(packet, header + 9), is(length, 9), says(0, 1, 0xff));
      const ike = both(says(0, 4, 0), isAtLeast(length, 8 + 4 + 28));
      const esp = both(isFrom(f.payload(0, 4), 0x100, 0xffffffff), isAtLeast(length, 24), no(isQuestion));
      return either(keepalive, both(isNot(length, 9), holdsHead, either(ike, esp)));
    }
    case 'tailscale': {
      const disco = both(says(0, 6, 0x5453f09f92acn), isAtLeast(length, 8 + 62 + 18));
      // Of each word one bit is not compared: a request with SOFTWARE "tailnode" and FINGERPRINT; whatever answers one.
      const word = (at: number, value: number): Formula => isMasked(f.payload(at, 4), 0x7fffffff, value);
      const cookie = word(4, 0x2112a442);
      const software = [
        word(20, 0x00220008),
        word(24, 0x7461696c),
        word(28, 0x6e6f6465),
        word(32, 0x00280004),
      ];
      const stun = isUp
        ? both(holds(40, false), says(0, 4, 0x00010014), cookie, ...software, is(length, 8 + 40))
        : both(says(0, 2, 0x0101), cookie, isFrom(length, 8 + 32, 8 + 132));
      return both(holdsHead, either(unchanged, both(no(isQuestion), either(disco, stun))));
    }
    case 'nebula': {
      const keepalive = both(isAtLeast(packet, header + 9), is(length, 9), says(0, 1, 0, 1));
      const header1 = both(isFrom(f.payload(0, 1), 0x10, 0x16), says(1, 1, 0, 1), says(2, 2, 0));
      return either(keepalive, both(holdsHead, no(isQuestion), header1, isAtLeast(length, 8 + 16)));
    }
    case 'zerotier': {
      const node = form?.kind === 'zerotier' ? form.address : 0;
      // A later fragment of ZeroTier's own bears no sender: which of two to seven it is, and up to seven hops.
      const nth = [2, 3, 4, 5, 6, 7].map((all) =>
        isFrom(f.payload(14, 1), (all << 4) | 1, (all << 4) | (all - 1)),
      );
      const piece = both(
        says(13, 1, 0xff),
        either(...nth),
        isFrom(f.payload(15, 1), 0, 7),
        isAtLeast(length, 8 + 17),
      );
      const own = isUp
        ? both(holds(18, false), either(piece, both(says(13, 5, node), isAtLeast(length, 8 + 28))))
        : both(holds(13, false), says(8, 5, node), isAtLeast(length, 8 + 17));
      return both(holdsHead, no(isQuestion), own);
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
        isUp ? no(beginsReadably(f, shape, family)) : ALWAYS,
      );
  }
}

/** AmneziaWG: what is put in front on purpose, junk by its length alone, and the four messages behind their padding. */
function amnezia(
  f: Fields,
  { junk, messages, decoys }: Extract<TunnelForm, { kind: 'amnezia' }>,
  holdsHead: Formula,
  holds: (bytes: number, mayBePiece: boolean) => Formula,
): Formula {
  const { length } = f.udp;
  const isDecoy = decoys.map((decoy) =>
    both(
      is(length, 8 + decoy.length),
      holds(decoy.head.length, true),
      ...decoy.head.map((byte, at) => is(f.payload(at, 1), byte)),
    ),
  );
  const isJunk = junk === undefined ? either() : isFrom(length, 8 + junk.first, 8 + junk.last);
  const isMessage = messages.map(({ padding, header }, nth) => {
    const least = 8 + padding + ([148, 92, 64, 32][nth] ?? 0);
    // Beyond 230 bytes the kernel reads nothing: there the length alone tells.
    const begins = padding > 230 ? ALWAYS : isNumber(f, padding, header);
    return both(nth === 3 ? isAtLeast(length, least) : is(length, least), holds(padding + 4, true), begins);
  });
  // In eleven bytes there is no question.
  const short = both(isJunk, isFrom(length, 0, 8 + 11));
  return either(
    ...isDecoy,
    short,
    both(holdsHead, no(isPlainQuestion(f.payload)), either(isJunk, ...isMessage)),
  );
}

/** In a span of numbers, lowest byte first: its highest byte is compared, and the next where that one is fixed, and no more. */
function isNumber(
  f: Fields,
  padding: number,
  { first, last }: { readonly first: number; readonly last: number },
): Formula {
  const parts: Formula[] = [];
  for (const at of [3, 2, 1, 0]) {
    const [low, high] = [(first >>> (8 * at)) & 255, (last >>> (8 * at)) & 255];
    parts.push(isFrom(f.payload(padding + at, 1), low, high));
    if (low !== high) break;
  }
  return both(...parts);
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
