// How a small ClientHello looks on the wire. Follows RFC 8446 sections 4.1.2 and 5.1.

import * as made from './frames.ts';
import type { Bytes } from './frames.ts';

/** ClientHello for a name, in one record; with one application protocol if given. */
export function clientHello(name: string, alpn?: string): Bytes {
  const sni = [0, 0, ...vector(2, vector(2, [0, ...vector(2, made.text(name))]))];
  const protocols = alpn === undefined ? [] : [0, 16, ...vector(2, vector(2, vector(1, made.text(alpn))))];
  const body = [3, 3, ...made.fill(32), 0, 0, 2, 0x13, 1, 1, 0, ...vector(2, [...sni, ...protocols])];
  return [22, 3, 1, ...vector(2, [1, ...vector(3, body)])];
}

function vector(width: number, bytes: Bytes): Bytes {
  return [...made.u32(bytes.length).slice(4 - width), ...bytes];
}
