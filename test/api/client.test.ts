// What the one client of the local API asks, and what it takes for an answer.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ApiClient, ApiFault, undefinedForApiFault } from '../../src/api/client.ts';
import { aStatus, anIncident } from '../guard-peer.ts';

let folder: string;
let server: Server;
let client: ApiClient;
let answer: RequestListener;
let asked: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'leakguard-client-'));
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    answer(request, response);
  });
  const socketPath = join(folder, 'api.sock');
  client = new ApiClient({ socketPath, patience: () => 2_000 });
  await once(server.listen(socketPath), 'listening');
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

const says = (body: string, status = 200): RequestListener => {
  return (_, response) => void response.writeHead(status).end(body);
};
const faultOf = (asking: Promise<unknown>): Promise<unknown> =>
  asking.then(
    () => undefined,
    (error: unknown) => (error instanceof ApiFault ? error.code : error),
  );

describe('a question', () => {
  it('has its parameters where the table has them, and nothing of them leads elsewhere', async () => {
    answer = says(JSON.stringify(anIncident()));
    await client.ask('incident', { params: { id: '../status?x=%2f' } });
    answer = says('{"incidents":[]}');
    await client.ask('incidents', { query: { text: 'a&b', limit: '7' } });
    await client.ask('incidents', { query: new URLSearchParams('rule=A&rule=B') });
    expect(asked).toEqual([
      'GET /v1/incidents/..%2Fstatus%3Fx%3D%252f',
      'GET /v1/incidents?text=a%26b&limit=7',
      'GET /v1/incidents?rule=A&rule=B',
    ]);
  });

  it('is not waited for longer than its patience, or than was asked for', async () => {
    answer = () => undefined;
    expect(await faultOf(client.ask('status', { withinMs: 30 }))).toBe('silent');
    answer = (_, response) => void response.writeHead(200).write('{');
    expect(await faultOf(client.ask('status', { withinMs: 30 }))).toBe('silent');
  });
});

describe('an answer', () => {
  it('is what was sent, whatever else it has', async () => {
    answer = says(JSON.stringify({ ...aStatus(), novel: 1 }));
    expect(await client.ask('status')).toEqual({ ...aStatus(), novel: 1 });
  });

  it.each([
    ['no JSON', '{'],
    ['another shape', '{"privacy":"full"}'],
    ['a reading without its place', frameWith('"readings":[{"what":"kind","value":"dns"}]')],
    [
      'deeper than anything that is asked for',
      frameWith(`"readings":[],"x":${'['.repeat(20_000)}${']'.repeat(20_000)}`),
    ],
  ])('is none: %s', async (_, body) => {
    answer = says(body);
    expect(await faultOf(client.ask('frames', { params: { id: 'i' } }))).toBe('garbled');
  });

  it('that refuses says so with every fault, and one that fails is told apart', async () => {
    const error = { code: 'no-incident', message: 'there is none', faults: [] };
    answer = says(JSON.stringify({ error }), 404);
    const asking = client.ask('incident', { params: { id: 'i' } });
    await expect(asking).rejects.toMatchObject({ code: 'refused', status: 404, word: 'no-incident' });
    answer = says(JSON.stringify({ error }), 503);
    expect(await faultOf(client.ask('status'))).toBe('failed');
    answer = says('<html>', 502);
    expect(await faultOf(client.ask('status'))).toBe('garbled');
  });

  it('that is a file is its bytes', async () => {
    answer = says('version: 1\n');
    expect((await client.ask('policyText')).toString()).toBe('version: 1\n');
  });
});

describe('the events', () => {
  const told: string[] = [];
  const listen = (signal: AbortSignal): Promise<void> =>
    client.events(signal, ({ event }) => told.push(event));

  it('end with the stream, and without a fault when whoever listens has enough', async () => {
    const text = `event: status\ndata: ${JSON.stringify(aStatus())}\n\n`;
    answer = says(text);
    await listen(new AbortController().signal);
    const ending = new AbortController();
    answer = (_, response) => void response.writeHead(200).write(text);
    const listening = client.events(ending.signal, () => {
      ending.abort();
    });
    await listening;
    expect(told).toEqual(['status']);
  });

  it('that cannot be had are a fault', async () => {
    answer = says('{"error":{"code":"too-many-streams","message":"too many"}}', 503);
    expect(await faultOf(listen(new AbortController().signal))).toBe('failed');
    server.close();
    server.closeAllConnections();
    expect(await faultOf(listen(new AbortController().signal))).toBe('unreachable');
    await expect(client.ask('status').catch(undefinedForApiFault)).resolves.toBeUndefined();
  });
});

/** An answer of one frame that has this besides. */
function frameWith(fields: string): string {
  const frame = `{"port":"lan","at":"","length":0,"hex":"","more":0,"dns":null,${fields}}`;
  return `{"privacy":"full","frames":[${frame}]}`;
}
