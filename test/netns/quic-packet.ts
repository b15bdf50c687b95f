// A QUIC Initial with the ClientHello of a name in it. Follows RFC 9000 section 19.6 (CRYPTO), RFC 8446 section 4.1.2, RFC 6066 section 3.

import { sealInitial, SEAL_V1 } from '../wire/quic-seal.ts';

/** Lower-case hexadecimal of the datagram. */
export function quicInitialFor(name: string): string {
  const hello = clientHello(name);
  const frames = Buffer.concat([
    Buffer.from([0x06, 0, 0x40 | (hello.length >> 8), hello.length & 0xff]),
    hello,
  ]);
  const initial = {
    ...{ how: SEAL_V1, version: 1, destinationId: Buffer.from('8394c8f03e515708', 'hex') },
    ...{ packetNumber: 0, frames, padTo: 1162 },
  };
  return Buffer.from(sealInitial(initial)).toString('hex');
}

function clientHello(name: string): Buffer {
  const host = Buffer.from(name, 'latin1');
  const serverName = extension(0, sized(2, Buffer.concat([Buffer.from([0]), sized(2, host)])));
  const alpn = extension(16, sized(2, sized(1, Buffer.from('h3', 'latin1'))));
  const versions = extension(43, sized(1, Buffer.from([3, 4])));
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    sized(1, Buffer.alloc(0)),
    sized(2, Buffer.from([0x13, 0x01])),
    sized(1, Buffer.from([0])),
    sized(2, Buffer.concat([serverName, alpn, versions])),
  ]);
  return Buffer.concat([Buffer.from([1]), sized(3, body)]);
}

function extension(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 0xff]), sized(2, body)]);
}

/** The bytes behind their length, which takes `width` octets. */
function sized(width: number, bytes: Buffer): Buffer {
  const length = Buffer.alloc(width);
  length.writeUIntBE(bytes.length, 0, width);
  return Buffer.concat([length, bytes]);
}
