// How a connection that is open goes on. Arguments: its own address, host, port. It says "open", then how many times it has written, and
// ends when it is told to.

import { connect } from 'node:net';

const [localAddress, host, port] = process.argv.slice(2);
const socket = connect({ host, port: Number(port), localAddress, noDelay: true });
socket.on('error', () => undefined);
socket.on('connect', () => {
  process.stdout.write('open\n');
  let times = 0;
  setInterval(() => {
    socket.write('x');
    times += 1;
    process.stdout.write(`written ${String(times)}\n`);
  }, 50);
});
