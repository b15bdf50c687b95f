// Says a ClientHello in pieces of a few bytes, each a segment of its own: node split-hello.mjs FROM ADDRESS PORT NAME PIECE
// Ends when the last was handed to the kernel. RFC 8446 section 4.1.2.

import { connect } from 'node:net';
import { once } from 'node:events';

const [localAddress, address, port, name, piece] = process.argv.slice(2);
const vector = (width, bytes) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length.subarray(4 - width), bytes]);
};
const host = vector(2, vector(2, Buffer.concat([Buffer.from([0]), vector(2, Buffer.from(name))])));
const extensions = Buffer.concat([Buffer.from([0, 0]), host]);
const body = Buffer.concat([
  Buffer.from([3, 3]),
  Buffer.alloc(32, 7),
  Buffer.from([0, 0, 2, 0x13, 1, 1, 0]),
  vector(2, extensions),
]);
const hello = Buffer.concat([
  Buffer.from([22, 3, 1]),
  vector(2, Buffer.concat([Buffer.from([1]), vector(3, body)])),
]);

const socket = connect({ host: address, port: Number(port), localAddress });
await once(socket, 'connect');
socket.setNoDelay(true);
socket.on('error', () => process.exit(0));
for (let at = 0; at < hello.length; at += Number(piece)) {
  await new Promise((done) => socket.write(hello.subarray(at, at + Number(piece)), done));
}
socket.end();
await once(socket, 'finish');
process.exit(0);
