// How a program on the laptop asks a resolver for a name and goes to the answer at once, past the tunnel. Arguments: resolver, own IPv4
// address, own IPv6 address, a QUIC Initial in hexadecimal. One line in: NAME FAMILY tcp|quic PORT (the port it goes from); one line out
// when it has gone.

import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [, , resolver = '', own4 = '', own6 = '', initial = ''] = process.argv;
const stub = new Resolver({ tries: 1 });
stub.setServers([resolver]);
stub.setLocalAddress(own4);

/** @param {string} host @param {string} from @param {number} port */
function tcp(host, from, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 443, localAddress: from, localPort: port });
    socket.on('error', resolve);
    socket.on('connect', () => {
      socket.resetAndDestroy();
      resolve(undefined);
    });
  });
}

/** @param {string} host @param {string} from @param {number} port */
function quic(host, from, port) {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.bind(port, from, () =>
      socket.send(Buffer.from(initial, 'hex'), 443, host, () => {
        socket.close();
        resolve(undefined);
      }),
    );
  });
}

process.stdout.write('ready\n');
for await (const line of createInterface(process.stdin)) {
  const [name = '', family, transport, port] = line.split(' ');
  const [host = ''] = await (family === '6' ? stub.resolve6(name) : stub.resolve4(name));
  await (transport === 'tcp' ? tcp : quic)(host, family === '6' ? own6 : own4, Number(port));
  process.stdout.write(`went ${port}\n`);
}
