// Program of the lab: `internet KEY CERT` is a web server over HTTP and HTTPS (RFC 9110, a minimal answer) and a DNS-over-TLS server
// (RFC 7858, DNS over TCP inside TLS) in front of the local resolver; prints "ready" when all its ports listen.

import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '::', resolve);
  });
}

const [keyFile, certFile] = process.argv.slice(2);
if (keyFile === undefined || certFile === undefined) throw new Error('usage: internet KEY CERT');
const tls = { key: readFileSync(keyFile), cert: readFileSync(certFile) };

const answer: RequestListener = (request, response) => {
  const seenFrom = request.socket.remoteAddress ?? 'nowhere';
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(`${request.headers.host ?? ''} saw you come from ${seenFrom.replace('::ffff:', '')}\n`);
};

const dot = createTlsServer({ ...tls, ALPNProtocols: ['dot'] }, (client) => {
  const resolver = connect(53, '127.0.0.1');
  client.on('error', () => resolver.destroy());
  resolver.on('error', () => client.destroy());
  client.pipe(resolver).pipe(client);
});

await Promise.all([
  listening(createHttpServer(answer), 80),
  listening(createHttpsServer(tls, answer), 443),
  listening(dot, 853),
]);
process.stdout.write('ready\n');
