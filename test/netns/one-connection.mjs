// One connection of a client, which says something, waits, and closes as it is told: SIGTERM by FIN, SIGUSR2 by RST; SIGHUP: it says more.
// Arguments: its own address, host, port, what it says in hexadecimal. It says "said" when the peer has all of it.

import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';

const [localAddress, host, port, said = ''] = process.argv.slice(2);
const socket = connect({ host, port: Number(port), localAddress, noDelay: true });
socket.on('error', () => process.exit(1));
socket.on('close', () => process.exit(0));
socket.on('connect', () => socket.write(Buffer.from(said, 'hex')));
let more = 0;
process.on('SIGHUP', () =>
  socket.write('more', () => {
    more += 1;
    process.stdout.write(`said ${String(more)} more\n`);
  }),
);
process.on('SIGTERM', () => socket.destroySoon());
process.on('SIGUSR2', () => socket.resetAndDestroy());
// The kernel's own word: nothing of it waits for the peer any more.
const look = setInterval(() => {
  const [state, , waiting] = execFileSync('ss', ['-Htan', 'dst', `${host}:${port}`])
    .toString()
    .trim()
    .split(/\s+/);
  if (state !== 'ESTAB' || waiting !== '0' || socket.connecting) return;
  clearInterval(look);
  process.stdout.write('said\n');
}, 20);
