// Knows: how to join every connection to one place with a new connection to another. Must not know: namespaces, HTTP.
// Two of these in a row carry the page: loopback TCP → Unix socket → (in the laptop's namespace) TCP to the box.

import { connect, createServer, type ListenOptions, type NetConnectOpts, type Server } from 'node:net';

/** Listens when it resolves; rejects when it cannot, for instance because the port is taken. */
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
