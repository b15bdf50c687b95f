// Knows: its arguments. Must not know: whose end of the wire it stands at.
// A program of the lab: `forward SOCKET HOST PORT` joins a Unix socket to a TCP address; it says "ready" when it listens.

import { relay } from './relay.ts';

const [path, host, port] = process.argv.slice(2);
if (path === undefined || host === undefined || port === undefined)
  throw new Error('usage: forward SOCKET HOST PORT');
await relay({ path }, { host, port: Number(port) });
process.stdout.write('ready\n');
