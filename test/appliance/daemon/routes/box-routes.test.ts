// What the routes for settings, health, LED and reports do with good and bad words.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ApiError, BinaryAnswer } from '../../../../appliance/daemon/routes/api-server.ts';
import type { ApiRoute } from '../../../../appliance/daemon/routes/api-server.ts';
import { boxRoutes } from '../../../../appliance/daemon/routes/box-routes.ts';
import { routesOf } from '../../../../appliance/daemon/routes/handlers.ts';
import { historyRoutes } from '../../../../appliance/daemon/routes/history-routes.ts';
import type { HistorySubject } from '../../../../appliance/daemon/routes/history-routes.ts';
import { PolicyTexts } from '../../../../appliance/daemon/state/policy-texts.ts';
import { inTurn } from '../../../../appliance/daemon/routes/policy-turns.ts';
import { settingsRoutes } from '../../../../appliance/daemon/routes/settings-routes.ts';
import { doJob } from '../../../../appliance/jobs/parsing.ts';
import { health as healthAnswer, settingsAnswer } from '../../../../src/api/box.ts';
import { timelineOf } from '../../../../src/guard/history/timeline.ts';
import { parsePolicy } from '../../../../src/policy/schema/schema.ts';
import { aStatus, anIncident } from '../../../guard-peer.ts';
import { rejectionOf } from '../../rejection.ts';

const TEXT = `# mine
version: 1
profile: full-tunnel # all
tunnels: [{name: home, protocol: wireguard, endpoints: ["udp:198.51.100.7:51820"]}]
`;

let folder: string;
let configPath: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leakguard-settings-'));
  configPath = join(folder, 'policy.yaml');
  writeFileSync(configPath, TEXT);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function call(
  routes: readonly ApiRoute[],
  method: string,
  path: string,
  { body, query = '' }: { body?: unknown; query?: string } = {},
): Promise<unknown> {
  const route = routes.find((one) => one.method === method && one.path === path);
  return Promise.resolve().then(() => route?.handle({ parts: {}, query: new URLSearchParams(query), body }));
}

async function refusal(asked: Promise<unknown>): Promise<ApiError> {
  const error = await rejectionOf(asked);
  if (error instanceof ApiError) return error;
  throw new Error('it was not refused');
}

/** As the daemon: what is no policy is refused, what is one is kept. */
const settings = (): readonly ApiRoute[] =>
  routesOf(
    settingsRoutes({
      configPath,
      texts: new PolicyTexts({ run: (kind, given) => Promise.resolve(doJob(kind, given)) }),
      setPolicy: (text) => {
        const parsed = parsePolicy(text);
        if (!parsed.ok) return Promise.resolve(parsed.faults);
        writeFileSync(configPath, text);
        return Promise.resolve(aStatus());
      },
    }),
  );

describe('settings', () => {
  it('are read from the file and put back into it, comments and all', async () => {
    expect(settingsAnswer.parse(await call(settings(), 'GET', '/v1/settings')).retentionDays).toBe(30);
    await call(settings(), 'PUT', '/v1/settings', { body: { retentionDays: 5, privacy: 'redacted' } });
    const text = readFileSync(configPath, 'utf8');
    for (const said of ['# mine', '# all', 'retentionDays: 5', 'privacy: redacted'])
      expect(text).toContain(said);
  });

  it('are refused whole, each fault with its path, and the file stays', async () => {
    const body = { profile: 'split', retentionDays: 0, mustTunnel: ['fine.example', 'not fine'] };
    const { status, faults } = await refusal(call(settings(), 'PUT', '/v1/settings', { body }));
    expect(status).toBe(422);
    expect(faults.map(({ path }) => path).sort()).toEqual(['mustTunnel[1]', 'retentionDays']);
    expect(readFileSync(configPath, 'utf8')).toBe(TEXT);
  });

  it('are edited one after the other, and only where they are what an edit was made from, if it says so', async () => {
    const routes = inTurn(settings(), configPath);
    const put = (body: unknown) => call(routes, 'PUT', '/v1/settings', { body });
    const digest = async () => settingsAnswer.parse(await call(routes, 'GET', '/v1/settings')).digest;
    const basis = await digest();
    await Promise.all([put({ retentionDays: 5 }), put({ privacy: 'redacted' })]);
    for (const said of ['retentionDays: 5', 'privacy: redacted'])
      expect(readFileSync(configPath, 'utf8')).toContain(said);
    expect(await refusal(put({ retentionDays: 6, basis }))).toMatchObject({ status: 412, code: 'changed' });
    const both = [
      put({ retentionDays: 7, basis: await digest() }),
      put({ retentionDays: 8, basis: await digest() }),
    ];
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(readFileSync(configPath, 'utf8')).toContain('retentionDays: 7');
  });

  it.each([undefined, {}, 'x', { bridge: { lan: 'x' } }, { web: 3, profile: 'split' }])(
    'that are none are refused: %j',
    async (body) => {
      expect((await refusal(call(settings(), 'PUT', '/v1/settings', { body }))).status).toBe(400);
    },
  );

  it('of a file that is no policy are not guessed: every fault is told, and the file can be had', async () => {
    writeFileSync(configPath, 'version: 2\n');
    for (const method of ['GET', 'PUT']) {
      const { status, faults } = await refusal(
        call(settings(), method, '/v1/settings', { body: { privacy: 'full' } }),
      );
      expect([status, faults[0]?.path]).toEqual([409, 'version']);
    }
    const answer = await call(settings(), 'GET', '/v1/policy/text');
    expect(answer instanceof BinaryAnswer && Buffer.from(answer.bytes).toString()).toBe('version: 2\n');
  });
});

describe('the box', () => {
  it('says how it is', async () => {
    const machine = {
      ...{ load: [0, 0, 0], processors: 1, memory: null, disk: null, temperature: -3, uptime: 1 },
      ...{ throttling: null, clock: { now: 'x', kept: false } },
    };
    const health = { read: () => Promise.resolve({ machine, ports: [], at: 'now' }) };
    const lamp = { start: () => undefined };
    const routes = routesOf(boxRoutes({ status: () => aStatus() }, health, lamp, { source: 'network' }));
    const told = healthAnswer.parse(await call(routes, 'GET', '/v1/health'));
    expect([told.machine.temperature, told.timeSource]).toEqual([-3, 'network']);
  });

  it('tries the LED out with a pattern there is, and with no other', async () => {
    const tried: string[] = [];
    const none = { read: () => Promise.reject(new Error('unused')) };
    const lamp = { start: (pattern: string) => void tried.push(pattern) };
    const routes = routesOf(boxRoutes({ status: () => aStatus() }, none, lamp, { source: 'machine' }));
    await call(routes, 'POST', '/v1/lamp/test', { body: { pattern: 'amber' } });
    for (const body of [undefined, {}, { pattern: 'off' }, { pattern: ['red'] }])
      expect((await refusal(call(routes, 'POST', '/v1/lamp/test', { body }))).status).toBe(400);
    expect(tried).toEqual(['amber']);
  });
});

describe('a report', () => {
  const asked: unknown[] = [];
  const history: HistorySubject = {
    incidents: (filter) => {
      asked.push(filter);
      return [anIncident({ exposure: '=cmd<b>' })];
    },
    incident: () => undefined,
    evidence: () => [],
    gaps: () => [],
    clients: () => [],
    timeline: (from, to, buckets) => timelineOf({ from, to, buckets }, [], [], to),
    allowed: () => undefined,
    rewritePast: () => Promise.resolve(),
    apart: () => undefined,
    ...{ laxerPast: 0, privacy: 'full' },
  };
  const report = (query: string): Promise<unknown> =>
    call(routesOf(historyRoutes(history, { status: () => aStatus() })), 'GET', '/v1/report', { query });

  it.each([
    ['', 'text/plain', 'What Eve can conclude'],
    ['format=json', 'application/json', '"conclusions":['],
    ['format=csv', 'text/csv', ",'=cmd<b>,"],
    ['format=html', 'text/html', '=cmd&lt;b&gt;'],
    ['format=eve', 'application/x-ndjson', '"event_type":"alert"'],
  ])('is had as %j', async (query, type, said) => {
    const answer = await report(query);
    if (!(answer instanceof BinaryAnswer)) throw new Error('no file');
    expect(answer.type).toContain(type);
    expect(Buffer.from(answer.bytes).toString()).toContain(said);
  });

  it('is of the time, device and rule that were asked for', async () => {
    asked.length = 0;
    await report('since=1000&until=2000&client=02:00:00:00:00:0C&rule=A');
    for (const filter of asked)
      expect(filter).toMatchObject({ since: 1000, until: 2000, client: '02:00:00:00:00:0c', rule: 'A' });
    expect(asked).toHaveLength(2);
  });

  it.each(['format=xml', 'since=2000&until=1000', 'rule=Z'])('is refused: %s', async (query) => {
    expect((await refusal(report(query))).status).toBe(400);
  });
});
