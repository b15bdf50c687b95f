// Relays every connection to one address to another. The page is carried by two in a row: loopback TCP → Unix socket → (in the
// laptop's namespace) TCP to the box.

import { connect, createServer, type ListenOptions, type NetConnectOpts, type Server } from 'node:net';

/**
 * Relays connections to `from` to new ones to `to`; a connection that fails or ends closes its counterpart. Resolves with the server when
 * it listens; rejects with the system's error when it cannot, for instance because the port is in use.
 */
export function relay(from: ListenOptions, to: NetConnectOpts): Promise<Server> {
  const server = createServer((near) => {
    const far = connect(to);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(from, () => resolve(server));
  });
}
