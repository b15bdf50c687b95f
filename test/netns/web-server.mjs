// Knows: a web server of a test's own that speaks HTTP/1.1 and HTTP/2 over TLS at every address of its namespace. Must not know: who asks.
// Arguments: port, key, certificate.

import { createSecureServer } from 'node:http2';
import { readFileSync } from 'node:fs';

const [port, key, cert] = process.argv.slice(2);
const tls = { key: readFileSync(key), cert: readFileSync(cert), allowHTTP1: true };
const server = createSecureServer(tls, (request, response) => response.end(`HTTP/${request.httpVersion}\n`));
server.listen(Number(port), '0.0.0.0', () => process.stdout.write('ready\n'));
