// A web server of a test's own that speaks HTTP/1.1 and HTTP/2 over TLS at every address of its namespace, and at the port after its own
// one that hears whatever is said. Arguments: port, key, certificate.

import { createSecureServer } from 'node:http2';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const [port, key, cert] = process.argv.slice(2);
const tls = { key: readFileSync(key), cert: readFileSync(cert), allowHTTP1: true };
const server = createSecureServer(tls, (request, response) => response.end(`HTTP/${request.httpVersion}\n`));
const listener = createServer((client) => client.on('error', () => client.destroy()).resume());
await new Promise((resolve) => server.listen(Number(port), '0.0.0.0', resolve));
await new Promise((resolve) => listener.listen(Number(port) + 1, '0.0.0.0', resolve));
process.stdout.write('ready\n');
