// Login pages of a network: `portal-server PORT...` answers on each; the first sends everybody to the second of this host. It says "ready"
// when all listen.

import { once } from 'node:events';
import { createServer } from 'node:http';

const [from, to, ...others] = process.argv.slice(2).map(Number);
for (const port of [from, to, ...others]) {
  const server = createServer((request, response) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (port === from) response.writeHead(302, { Location: `http://${host}:${to}/login` });
    response.end('please log in\n');
  });
  server.listen(port, '::');
  await once(server, 'listening');
}
process.stdout.write('ready\n');
