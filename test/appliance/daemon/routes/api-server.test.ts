// How the local API answers good and bad requests. Holds api-server.ts and routes.ts.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_LIMITS, ApiServer } from '../../../../appliance/daemon/routes/api-server.ts';
import { closedPolicy } from '../../../../appliance/daemon/state/closed-policy.ts';
import { routesOf } from '../../../../appliance/daemon/routes/handlers.ts';
import { historyRoutes } from '../../../../appliance/daemon/routes/history-routes.ts';
import { apiRoutes } from '../../../../appliance/daemon/routes/routes.ts';
import { timelineOf } from '../../../../src/guard/history/timeline.ts';
import { Guard } from '../../../../src/guard/guard.ts';
import { BAD_REQUESTS } from '../../../request-targets.ts';

const directory = mkdtempSync(join(tmpdir(), 'leakguard-api-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const socketPath = join(directory, 'api.sock');
const faults: unknown[] = [];
const guard = new Guard(closedPolicy(), {
  now: () => ({ wall: 1e12, monotonic: 1e6 }),
  version: '0',
  idPrefix: 't',
});
let server: ApiServer;
const LIMITS = { ...API_LIMITS, headersMs: 200, requestMs: 400, idleMs: 200, connections: 40 };

/** What the server says to raw bytes until it hangs up; the client never does. */
async function say(bytes: string): Promise<string> {
  const socket = connect(socketPath).setEncoding('latin1');
  let said = '';
  socket.on('data', (chunk: string) => (said += chunk)).on('error', () => undefined);
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return said;
}

async function open(): Promise<Socket> {
  const socket = connect(socketPath).on('error', () => undefined);
  await once(socket, 'connect');
  return socket.resume();
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

function ask(method: string, path: string, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) });
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

beforeAll(async () => {
  const routes = apiRoutes({
    status: () => guard.status(),
    policy: () => undefined,
    setPolicy: (text) =>
      Promise.resolve(
        text === 'good'
          ? guard.status()
          : [{ path: 'version', message: 'is missing', remedy: 'add version: 1' }],
      ),
    setBlockMode: (on) => {
      if (on) return Promise.reject(new Error('a defect'));
      return Promise.resolve(guard.status());
    },
    openPass: () => Promise.resolve(guard.status()),
    endPass: () => Promise.resolve(guard.status()),
    acknowledge: (id) => (id === 'all' ? guard.status() : undefined),
    acknowledgeTunnel: (name) => (name === 'home' ? guard.status() : undefined),
  });
  const history = historyRoutes(
    {
      incidents: ({ limit }) => guard.incidents().slice(0, limit),
      incident: (id) => guard.incident(id),
      evidence: () => [],
      gaps: () => [],
      clients: () => [],
      timeline: (from, to, buckets) => timelineOf({ from, to, buckets }, [], [], to),
      allowed: () => undefined,
      rewritePast: () => Promise.resolve(),
      apart: () => undefined,
      laxerPast: 0,
      privacy: 'full',
    },
    { status: () => guard.status() },
  );
  server = new ApiServer(
    routesOf({ ...routes, ...history }),
    () => ({ event: 'status', data: guard.status() }),
    (fault) => faults.push(fault),
    LIMITS,
  );
  await server.listen(socketPath);
});
afterAll(() => {
  server.close();
});

describe('local API', () => {
  it('answers with the status', async () => {
    expect(await ask('GET', '/v1/status')).toMatchObject({
      status: 200,
      body: { state: 'starting', version: '0' },
    });
    expect(await ask('GET', '/v1/incidents?limit=5')).toEqual({ status: 200, body: { incidents: [] } });
    expect(await ask('POST', '/v1/ack', '{"id":"all"}')).toMatchObject({ status: 200 });
  });

  it.each([
    ['GET', '/v1/nothing', undefined, 404, 'not-found'],
    ['GET', '/v1/incidents/x', undefined, 404, 'no-incident'],
    ['GET', '/v1/incidents/%zz', undefined, 400, 'path'],
    ['GET', '/v1/incidents?limit=0', undefined, 400, 'invalid'],
    ['GET', '/v1/policy', undefined, 409, 'no-policy'],
    ['POST', '/v1/status', undefined, 405, 'method'],
    ['PUT', '/v1/block', '{', 400, 'json'],
    ['PUT', '/v1/block', '{"on":"yes"}', 400, 'invalid'],
    ['PUT', '/v1/block', '['.repeat(500_000), 400, 'json'],
    ['PUT', '/v1/block', '{"a":'.repeat(33) + '1' + '}'.repeat(33), 400, 'json'],
    ['PUT', '/v1/block', `{"on":"${'[\\\\\\"'.repeat(99)}"}`, 400, 'invalid'],
    ['PUT', '/v1/block', undefined, 400, 'invalid'],
    ['PUT', '/v1/policy', '{}', 400, 'invalid'],
    ['PUT', '/v1/policy', '{"text":"bad"}', 422, 'policy'],
    ['POST', '/v1/pass', '{"seconds":0}', 400, 'invalid'],
    ['POST', '/v1/pass', '{"seconds":60,"client":"me"}', 400, 'invalid'],
    ['POST', '/v1/ack', '[]', 400, 'invalid'],
    ['POST', '/v1/ack', '{"id":"nobody"}', 404, 'no-incident'],
    ['POST', '/v1/ack', '{"id":"all","unacknowledged":"2"}', 400, 'invalid'],
    // Whoever asks was shown two, and there is none: what came or went meanwhile was not seen.
    ['POST', '/v1/ack', '{"id":"all","unacknowledged":2}', 412, 'changed'],
    ['PUT', '/v1/block', `"${'x'.repeat(1024 * 1024)}"`, 413, 'too-large'],
  ])('refuses %s %s', async (method, path, body, status, code) => {
    expect(await ask(method, path, body)).toMatchObject({ status, body: { error: { code } } });
  });

  it('hides a defect from the client and reports it to the log', async () => {
    const answer = await ask('PUT', '/v1/block', '{"on":true}');
    expect(answer).toMatchObject({ status: 500, body: { error: { code: 'internal' } } });
    expect(JSON.stringify(answer)).not.toContain('defect');
    expect(faults.map(String)).toEqual(['Error: a defect']);
  });

  it('streams events, the status first', async () => {
    const stream = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ socketPath, path: '/v1/events' }, resolve).once('error', reject).end();
    });
    stream.setEncoding('utf8');
    const texts: string[] = [];
    const second = new Promise<void>((resolve) => {
      stream.on('data', (text: string) => {
        texts.push(text);
        if (texts.length === 1) server.publish({ event: 'status', data: guard.status() });
        else resolve();
      });
    });
    await second;
    stream.destroy();
    expect(texts[0]).toMatch(/^event: status\ndata: \{"state":"starting"/);
    expect(texts[1]).toMatch(/^event: status\ndata: /);
  });
});

describe('whoever asks badly', () => {
  it.each(BAD_REQUESTS)('is refused: %s', async (_, bytes) => {
    expect(await say(bytes)).toMatch(/^(?:HTTP\/1\.1 4\d\d |$)/);
    expect((await ask('GET', '/v1/status')).status).toBe(200);
  });

  it('is told of a target that is no path that it is none', async () => {
    expect(await say('GET //[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('and slowly is hung up on: no head, half a head, half a body', async () => {
    const slow = [
      '',
      'GET /v1/status HTTP/1.1\r\n',
      'PUT /v1/block HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{',
    ];
    for (const said of await Promise.all(slow.map(say))) expect(said).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
  });

  it('and holds every connection makes room for who comes', async () => {
    const held = await Promise.all(Array.from({ length: LIMITS.connections }, open));
    const [oldest] = held;
    if (oldest === undefined) throw new Error('nobody came');
    const gone = once(oldest, 'close');
    expect((await ask('GET', '/v1/status')).status).toBe(200);
    await gone;
    for (const socket of held) socket.destroy();
  });

  it('and sends hundreds of questions at once is hung up on', async () => {
    const socket = await open();
    const gone = once(socket, 'close');
    socket.write('POST /v1/pass HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'.repeat(500));
    await gone;
    expect((await ask('GET', '/v1/status')).status).toBe(200);
  });
});

it('tells whoever listens for longer than others may be idle', async () => {
  const stream = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ socketPath, path: '/v1/events' }, resolve).once('error', reject).end();
  });
  await once(stream, 'data');
  // One that asks slowly is hung up on meanwhile: by then this one was silent for as long.
  await say('GET /v1/status HTTP/1.1\r\n');
  const next = once(stream, 'data');
  server.publish({ event: 'status', data: guard.status() });
  const [told] = (await next) as [Buffer];
  expect(told.toString()).toMatch(/^event: status/);
  stream.destroy();
});
