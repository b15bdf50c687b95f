// What happens to visitors who are slow, many or long-winded.

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { listen } from '../../../web/http/server.ts';
import { GuardPeer } from '../../guard-peer.ts';
import { BAD_REQUESTS } from '../../request-targets.ts';
import { ask, owner, showPage } from '../listening-page.ts';
import type { PageUnderTest } from '../listening-page.ts';

const LIMITS = {
  headersMs: 100,
  requestMs: 200,
  idleMs: 100,
  stuckMs: 60_000,
  connections: 8,
  perClient: 8,
  pipelined: 4,
};

let peer: GuardPeer;
let page: PageUnderTest;

beforeEach(async () => {
  peer = await GuardPeer.start();
  page = await showPage({ socketPath: peer.socketPath }, LIMITS);
});

afterEach(async () => {
  await page.stop();
  await peer.stop();
});

/** What the server says to raw bytes until it hangs up; the client never does. */
async function say(bytes: string): Promise<string> {
  const socket = connect(page.port, '127.0.0.1').setEncoding('utf8');
  let said = '';
  socket.on('data', (chunk: string) => (said += chunk)).on('error', () => undefined);
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return said;
}

it('hangs up on headers and bodies that never end, and still answers others', async () => {
  const slow = [
    say('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n'),
    say(
      'POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\non=',
    ),
  ];
  expect((await ask(page.port, '/')).status).toBe(200);
  for (const said of await Promise.all(slow)) expect(said).toMatch(/^HTTP\/1\.1 408/);
});

it('refuses headers above 8 kB', async () => {
  expect(await say(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(9000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431/,
  );
});

it('takes so many connections, and those that come later find room again', async () => {
  const idle: Socket[] = [];
  for (let count = 0; count < LIMITS.connections; count += 1) {
    const socket = connect(page.port, '127.0.0.1');
    await once(socket, 'connect');
    idle.push(socket.on('error', () => undefined));
  }
  await Promise.all(idle.map((socket) => once(socket.resume(), 'close')));
  expect((await ask(page.port, '/')).status).toBe(200);
});

it.each(BAD_REQUESTS)('refuses what is no request, and goes on: %s', async (_, bytes) => {
  expect(await say(bytes)).toMatch(/^(?:HTTP\/1\.1 4\d\d |$)/);
  expect((await ask(page.port, '/')).status).toBe(200);
  expect(page.faults).toEqual([]);
});

it('says of a target that is no path that it is none', async () => {
  expect(await say('GET //[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
});

it('has room for another client when one has taken all that it may', async () => {
  const limits = { ...LIMITS, headersMs: 60_000, requestMs: 60_000, connections: 8, perClient: 4 };
  const listening = await listen((_, answer) => answer.end('here'), { host: '::', port: 0 }, limits);
  const from = (localAddress: string): Socket =>
    connect({ port: listening.port, host: '127.0.0.1', localAddress }).on('error', () => undefined);
  const held: Socket[] = [];
  // One address opens far more than it may, others come to the limit of all.
  for (const address of [...Array.from({ length: 20 }, () => '127.0.0.2'), '127.0.0.3', '127.0.0.4']) {
    const socket = from(address).resume();
    await once(socket, 'connect');
    held.push(socket);
  }
  const others = held.slice(-2);
  for (let came = 0; came < 12; came += 1) expect((await ask(listening.port, '/')).status).toBe(200);
  expect(others.every((socket) => !socket.destroyed)).toBe(true);
  for (const socket of held) socket.destroy();
  await listening.close();
});

it('answers no hundred questions of one connection at once', async () => {
  expect(await say('GET /light HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(500))).not.toMatch(/HTTP\/1\.1 5/);
  expect((await ask(page.port, '/')).status).toBe(200);
});

it('hangs up on those who ask and take no answer', async () => {
  // More than any buffer between here and there takes.
  const whole = Buffer.alloc(64_000_000);
  const closed: Promise<unknown>[] = [];
  const small = { ...LIMITS, stuckMs: 200, connections: 2 };
  const listening = await listen(
    (asked, answer) => {
      closed.push(once(asked.socket, 'close'));
      answer.end(asked.url === '/whole' ? whole : 'here');
    },
    { host: '127.0.0.1', port: 0 },
    small,
  );
  const stuck = Array.from({ length: small.connections }, () =>
    connect(listening.port, '127.0.0.1')
      .on('error', () => undefined)
      .pause(),
  );
  for (const socket of stuck) {
    await once(socket, 'connect');
    socket.write('GET /whole HTTP/1.1\r\nHost: x\r\n\r\n');
  }
  await expect.poll(() => closed.length, { timeout: 20_000 }).toBe(small.connections);
  await Promise.all(closed);
  expect((await ask(listening.port, '/')).status).toBe(200);
  for (const socket of stuck) socket.destroy();
  await listening.close();
});

it('refuses a body of 10 MB without reading it all', async () => {
  const body = 'x'.repeat(10_000_000);
  const browser = await owner(page.port);
  const headers = { 'content-type': 'application/x-www-form-urlencoded', cookie: browser.cookie };
  const answer = ask(page.port, '/block', { method: 'POST', headers, body });
  // The connection may break while the client still writes, and on a busy machine it writes for too long: either way nothing was taken.
  expect([408, 413]).toContain(
    await answer.then(
      ({ status }) => status,
      () => 413,
    ),
  );
  expect(peer.asked).toEqual([]);
  expect((await ask(page.port, '/')).status).toBe(200);
});
