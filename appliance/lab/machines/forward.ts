// Program of the lab: `forward SOCKET HOST PORT` relays connections from a Unix socket to a TCP address; prints "ready" when it listens.

import { relay } from './relay.ts';

const [path, host, port] = process.argv.slice(2);
if (path === undefined || host === undefined || port === undefined)
  throw new Error('usage: forward SOCKET HOST PORT');
await relay({ path }, { host, port: Number(port) });
process.stdout.write('ready\n');
