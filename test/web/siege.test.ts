// What an unfriendly neighbour on lan can do to the page, and that it still answers others. Each attack is refused as documented;
// `answersStill` asks, with the attack still on, for the light and for the owner's page.

import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { THROTTLE_LIMITS } from '../../web/owner/login-throttle.ts';
import { aStatus, anIncident, GuardPeer } from '../guard-peer.ts';
import { ask, Browser, owner, PASSWORD, showPage } from './listening-page.ts';
import type { PageUnderTest } from './listening-page.ts';

let peer: GuardPeer;
let page: PageUnderTest;
let own: Browser;

beforeEach(async () => {
  peer = await GuardPeer.start();
  page = await showPage({ socketPath: peer.socketPath });
  own = await owner(page.port);
});

afterEach(async () => {
  await page.stop();
  await peer.stop();
  expect(page.faults).toEqual([]);
});

/** A page that hangs fails by the test's own time limit. */
async function answersStill(): Promise<void> {
  const asked = (cookie: string) => fetch(page.url, { headers: { cookie } });
  expect(await (await asked('')).text()).toContain('id="light"');
  expect(await (await asked(own.cookie)).text()).toContain('id="incidents"');
}

it('1,000 wrong passwords: nearly all are refused unread, and the owner gets in meanwhile', async () => {
  const thief = new Browser(page.port);
  await thief.ask('/');
  const statuses: number[] = [];
  for (let batch = 0; batch < 20; batch += 1) {
    const tries = Array.from({ length: 50 }, (_, index) =>
      thief.post('/login', { password: `guess ${batch} ${index}` }),
    );
    const answers = await Promise.all(tries);
    statuses.push(...answers.map(({ status }) => status));
    for (const { status, headers } of answers)
      if (status === 429) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  }
  expect(statuses.filter((status) => status !== 429).length).toBeLessThan(THROTTLE_LIMITS.budget);
  expect(statuses.filter((status) => status === 403).length).toBeGreaterThanOrEqual(THROTTLE_LIMITS.free);
  await answersStill();
  await own.post('/logout');
  await own.ask('/');
  expect((await own.post('/login', { password: PASSWORD })).status).toBe(303);
});

it('200 idle event streams: strangers get few, and none at the expense of the owner', async () => {
  const streams = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const asking = get({ port: page.port, path: '/light/events', agent: false });
      const [answer] = (await once(asking, 'response')) as [IncomingMessage];
      answer.on('error', () => undefined).resume();
      return answer;
    }),
  );
  const open = streams.filter(({ statusCode }) => statusCode === 200);
  expect(streams.filter(({ statusCode }) => statusCode === 503)).toHaveLength(200 - open.length);
  expect(open.length).toBeLessThanOrEqual(8);
  await answersStill();
  const mine = get({ port: page.port, path: '/events', headers: { cookie: own.cookie }, agent: false });
  const [answer] = (await once(mine, 'response')) as [IncomingMessage];
  expect(answer.statusCode).toBe(200);
  for (const stream of [...streams, answer]) stream.destroy();
});

it('slow headers and bodies: the page answers others meanwhile', async () => {
  const slow: Socket[] = [];
  for (let count = 0; count < 100; count += 1) {
    const socket = connect(page.port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(
      count % 2 === 0
        ? 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: '
        : 'POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 4000\r\n\r\np',
    );
    slow.push(socket);
  }
  await answersStill();
  for (const socket of slow) socket.destroy();
});

it('a body of 10 MB: refused, and nothing of it is taken', async () => {
  const body = 'x'.repeat(10_000_000);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = ask(page.port, '/login', { method: 'POST', headers, body });
  // The connection may break while the client still writes: either way nothing was taken.
  expect(
    await answer.then(
      ({ status }) => status,
      () => 413,
    ),
  ).toBe(413);
  await answersStill();
});

it.each([
  '/public/../../package.json',
  '/public/%2e%2e/%2e%2e/package.json',
  '/public/..%2f..%2fpackage.json',
  '/public/..%5c..%5cpackage.json',
  '/public/%00',
  '/public/%',
  '/light/../app.ts',
  '/light/constructor.svg',
  '//etc/passwd',
])('a path that leads elsewhere: %s', async (path) => {
  for (const cookie of ['', own.cookie]) {
    const { status, text } = await ask(page.port, path, { headers: { cookie } });
    expect([303, 400, 404]).toContain(status);
    expect(text).not.toMatch(/"name"|root:|createPage/);
  }
});

it('another name of the box, another site, and no token: refused before anything is done', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded', cookie: own.cookie };
  const body = `token=${own.token}&on=yes`;
  const post = async (headers: Readonly<Record<string, string>>, sent = body) =>
    (await ask(page.port, '/block', { method: 'POST', headers: { ...form, ...headers }, body: sent })).status;
  expect(await post({ host: 'rebound.example' })).toBe(421);
  expect(await post({ origin: 'http://rebound.example' })).toBe(403);
  expect(await post({ 'sec-fetch-site': 'same-site' })).toBe(403);
  expect(await post({}, 'on=yes')).toBe(403);
  const login = { method: 'POST', headers: { ...form, origin: 'http://evil.example' }, body: 'password=x' };
  expect((await ask(page.port, '/login', login)).status).toBe(403);
  expect(peer.asked).toEqual([]);
});

it('names from the wire that are script, or as long as names can be: text, and nothing else', async () => {
  const label = 'a'.repeat(63);
  for (const exposure of [
    '"><script>alert(1)</script>',
    "'-alert(1)-'",
    '<%= process.exit() %>',
    '</template><img src=x onerror=alert(1)>',
    [label, label, label, 'x'.repeat(61)].join('.'),
  ]) {
    const hostile = anIncident({ exposure, why: exposure, destination: exposure, id: exposure });
    peer.status = aStatus({ state: 'leaking', lamp: 'red', why: exposure, incidents: [hostile] });
    const { text } = await own.ask('/');
    expect(text).not.toMatch(/<script>|<img|"-alert/);
    expect(text.match(/<\/template>/g)).toHaveLength(2);
    expect((await new Browser(page.port).ask('/')).text).not.toContain(exposure.slice(0, 12));
  }
  await answersStill();
});
