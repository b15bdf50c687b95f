// Knows: which readable beginnings of a TCP segment no tunnel's own bytes have, by constants at fixed places, for judge and ruleset.
// Must not know: streams, names, addresses. Follows RFC 8446 section 4.1.2 (ClientHello), RFC 9112 section 3 (requests), RFC 4253
// section 4.2 (SSH), RFC 7766 section 8 (DNS). Any segment may begin so by chance: what is compared is 2^-45 or rarer.

import type { Facts } from '../../flow/facts.ts';

/** Shapes of what goes over TCP; `tcp` is a stream of which nothing is known but where it goes. */
export const STREAM_SHAPES = ['tcp', 'openvpn_tcp', 'tor', 'ike_tcp'] as const;
export type StreamShape = (typeof STREAM_SHAPES)[number];

export function isStream(shape: string): shape is StreamShape {
  return (STREAM_SHAPES as readonly string[]).includes(shape);
}

/** Bytes that are compared: what a segment shows of itself in Facts. */
const HEAD = 12;

/** As they begin a request in origin form, an HTTP/2 connection (RFC 9113 section 3.4), or what only a proxy is asked. */
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

/** A text at the beginning, and nothing but ASCII up to the twelfth byte. */
interface Text {
  readonly masks: readonly [number, number, number];
  readonly values: readonly [number, number, number];
  readonly nft: string;
}

/** Bytes in one raw match; behind them one bit is left out, or nft would list the two as one match, longer than JSON's numbers are. */
const RUN = 5;

function textOf(text: string): Text {
  const codes = Array.from(text, (letter) => letter.charCodeAt(0));
  const word = (at: number, byte: (i: number) => number): number =>
    ((byte(at) << 24) | (byte(at + 1) << 16) | (byte(at + 2) << 8) | byte(at + 3)) >>> 0;
  const mask = (i: number): number => (i >= codes.length ? 0x80 : i === RUN ? 0x7f : 0xff);
  const value = (i: number): number => codes[i] ?? 0;
  const number = (bytes: readonly number[]): string =>
    `0x${bytes.reduce((sum, byte) => sum * 256 + byte, 0).toString(16)}`;
  const [first, rest] = [codes.slice(0, RUN), codes.slice(RUN)];
  const ascii = Array.from({ length: HEAD - codes.length }, (_, i) => `@ih,${8 * (codes.length + i)},1 0x0`);
  return {
    masks: [word(0, mask), word(4, mask), word(8, mask)],
    values: [word(0, value), word(4, value), word(8, value)],
    nft: [
      `@ih,0,${8 * first.length} ${number(first)}`,
      ...(rest.length === 0 ? [] : [`@ih,${8 * RUN + 1},${8 * rest.length - 1} ${number(rest)}`]),
      ...ascii,
    ].join(' '),
  };
}

const TEXTS = { request: REQUESTS.map(textOf), banner: BANNERS.map(textOf) };

/** A handshake record of SSL 3 to TLS 1.3 whose message is a ClientHello of less than 64 KiB. */
const NFT_HELLO = '@ih,0,16 0x1603 @ih,16,8 0x0-0x4 @ih,40,16 0x100 @ih,72,8 0x3';
/** Behind its length the header of an ordinary query, as `isDnsQuery` in shape.ts has it. */
const NFT_QUERY = '@ih,32,7 0x0 @ih,40,2 0x0 @ih,44,4 0x0 @ih,48,32 0x10000 @ih,80,16 0x0';

function isHello({ payloadHead, payloadHead2, payloadHead3 }: Facts): boolean {
  if (payloadHead >>> 16 !== 0x1603 || ((payloadHead >>> 8) & 0xff) > 4) return false;
  return ((payloadHead2 >>> 8) & 0xffff) === 0x0100 && ((payloadHead3 >>> 16) & 0xff) === 3;
}

function isQuery({ payloadHead2, payloadHead3 }: Facts): boolean {
  return ((payloadHead2 >>> 16) & 0xfecf) === 0 && (payloadHead2 & 0xffff) === 1 && payloadHead3 === 0;
}

function isText({ payloadHead, payloadHead2, payloadHead3 }: Facts, texts: readonly Text[]): boolean {
  for (const { masks, values } of texts) {
    if (((payloadHead ^ values[0]) & masks[0]) !== 0) continue;
    if (((payloadHead2 ^ values[1]) & masks[1]) === 0 && ((payloadHead3 ^ values[2]) & masks[2]) === 0)
      return true;
  }
  return false;
}

/**
 * What of a client's no tunnel of this shape says at a segment's beginning. TLS is what Tor looks like, and SSH may well be what an
 * opaque stream is: which of them is the tunnel's own only their first bytes as a whole can tell. ESP behind its length is a plain
 * question's header where 13 bits of its index are zero, its sequence number is 65536 and its counter begins with zeros: dropped again
 * and again as TCP repeats it, that one packet would end the tunnel.
 */
const FORMS = {
  openvpn_tcp: { hello: true, banner: true, query: true },
  tor: { hello: false, banner: true, query: true },
  tcp: { hello: false, banner: false, query: true },
  ike_tcp: { hello: true, banner: true, query: false },
} as const satisfies Record<StreamShape, object>;

/** The kernel drops it in block mode. */
export function isReadable(shape: StreamShape, facts: Facts): boolean {
  if (facts.payloadLength < HEAD) return false;
  const { hello, banner, query } = FORMS[shape];
  if ((hello && isHello(facts)) || (query && isQuery(facts))) return true;
  return isText(facts, TEXTS.request) || (banner && isText(facts, TEXTS.banner));
}

function nftOf(shape: StreamShape): readonly string[] {
  const { hello, banner, query } = FORMS[shape];
  const texts = [...TEXTS.request, ...(banner ? TEXTS.banner : [])].map(({ nft }) => nft);
  return [...(hello ? [NFT_HELLO] : []), ...(query ? [NFT_QUERY] : []), ...texts];
}

/** The same as matches of nftables: behind TCP's options wherever they end (`@ih`). */
export const NFT_READABLE: Readonly<Record<StreamShape, readonly string[]>> = {
  tcp: nftOf('tcp'),
  openvpn_tcp: nftOf('openvpn_tcp'),
  tor: nftOf('tor'),
  ike_tcp: nftOf('ike_tcp'),
};

/** That the bytes which were compared are the packet's: one rule for each length of TCP's header, as two fields cannot be compared. */
export const NFT_WHOLE_HEAD: readonly string[] = Array.from({ length: 11 }, (_, at) => at + 5).flatMap(
  (doff) => [
    `tcp doff ${doff} ip length >= ${20 + 4 * doff + HEAD}`,
    `tcp doff ${doff} ip6 length >= ${4 * doff + HEAD}`,
  ],
);
