// How to look like a WireGuard client that tries to reach its server, four times a second, until standard input ends. Message type 1
// (handshake initiation), 148 bytes.

import { createSocket } from 'node:dgram';

const initiation = Buffer.alloc(148, 0x5a);
initiation.writeUInt32LE(1, 0);
const socket = createSocket('udp4');
// A link without carrier takes nothing: the next one may.
socket.on('error', () => undefined);
setInterval(() => {
  socket.send(initiation, 51820, '198.51.100.7', () => undefined);
}, 250);
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
process.stdout.write('ready\n');
