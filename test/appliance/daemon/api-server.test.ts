// Knows: how the local API answers good and bad requests. Holds api-server.ts and routes.ts to DESIGN section 7.

import { mkdtempSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiServer } from '../../../appliance/daemon/api-server.ts';
import { closedPolicy } from '../../../appliance/daemon/closed-policy.ts';
import { historyRoutes } from '../../../appliance/daemon/history-routes.ts';
import { apiRoutes } from '../../../appliance/daemon/routes.ts';
import { timelineOf } from '../../../src/guard/timeline.ts';
import { Guard } from '../../../src/guard/guard.ts';

const socketPath = join(mkdtempSync(join(tmpdir(), 'leakguard-api-')), 'api.sock');
const faults: unknown[] = [];
const guard = new Guard(closedPolicy(), {
  now: () => ({ wall: 1e12, monotonic: 1e6 }),
  version: '0',
  idPrefix: 't',
});
let server: ApiServer;

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
  });
  const history = historyRoutes(
    {
      incidents: ({ limit }) => guard.incidents(limit),
      incident: (id) => guard.incident(id),
      evidence: () => [],
      gaps: () => [],
      clients: () => [],
      timeline: (from, to, buckets) => timelineOf({ from, to, buckets }, [], [], to),
      rewritePast: () => undefined,
      laxerPast: 0,
      privacy: 'full',
    },
    { status: () => guard.status() },
  );
  server = new ApiServer(
    [...routes, ...history],
    () => ({ event: 'status', data: guard.status() }),
    (fault) => faults.push(fault),
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
