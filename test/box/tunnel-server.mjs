// How to look like a WireGuard server that answers every handshake, until standard input ends. Message type 2 (handshake response), 92
// bytes, to the sender's index. Argument: the address to answer from.

import { createSocket } from 'node:dgram';

const socket = createSocket('udp4');
socket.on('message', (initiation, { address, port }) => {
  const response = Buffer.alloc(92, 0xa5);
  response.writeUInt32LE(2, 0);
  initiation.copy(response, 8, 4, 8);
  socket.send(response, port, address, () => undefined);
});
socket.bind(51820, process.argv[2], () => process.stdout.write('ready\n'));
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
