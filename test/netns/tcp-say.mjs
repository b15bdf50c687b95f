// How a client of TCP says something in segments of its own choice. Arguments: its own address, host, port, and one segment after the other
// in hexadecimal; each goes by itself. It ends when it was answered, or not for a second.

import { connect } from 'node:net';

const [localAddress, host, port, ...segments] = process.argv.slice(2);
const socket = connect({ host, port: Number(port), localAddress, noDelay: true });
socket.on('error', () => process.exit(1));
setTimeout(() => process.exit(2), 1_000);
socket.on('data', () => process.exit(0));
socket.on('connect', () => {
  // A second write while the first is unacknowledged is a segment of its own with `noDelay`.
  const [first = '', ...more] = segments;
  socket.write(Buffer.from(first, 'hex'), () => {
    for (const segment of more) socket.write(Buffer.from(segment, 'hex'));
  });
});
