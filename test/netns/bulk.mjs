// How to send many bytes to an echo and get them all back. `bulk.mjs serve PORT` says `ready`; `bulk.mjs send HOST PORT BYTES` ends with 0
// when every byte came back as it was sent.

import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';

const [, , role, ...args] = process.argv;
const digest = (/** @type {Buffer[]} */ chunks) =>
  chunks.reduce((hash, chunk) => hash.update(chunk), createHash('sha256')).digest('hex');

if (role === 'serve') {
  createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  }).listen(Number(args[0]), () => process.stdout.write('ready\n'));
} else {
  const [host, port, bytes] = [args[0], Number(args[1]), Number(args[2])];
  const sent = randomBytes(bytes);
  const back = /** @type {Buffer[]} */ ([]);
  const socket = connect({ host, port }, () => socket.end(sent));
  socket.setTimeout(20_000, () => socket.destroy(new Error('nothing came for 20 s')));
  socket.on('data', (chunk) => void back.push(/** @type {Buffer} */ (chunk)));
  socket.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  socket.on('close', () => process.exit(digest(back) === digest([sent]) ? 0 : 1));
}
