// When the daemon leaves a wish for another time, and what it answers.

import { existsSync, mkdirSync, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { ApiError } from '../../../../appliance/daemon/routes/api-server.ts';
import { BoxClock, clockRoutes } from '../../../../appliance/daemon/routes/clock-routes.ts';
import type { ClockParts } from '../../../../appliance/daemon/routes/clock-routes.ts';
import { routesOf } from '../../../../appliance/daemon/routes/handlers.ts';
import { takeRequest } from '../../../../appliance/time/set-clock-request.ts';
import { clock as clockAnswer } from '../../../../src/api/box.ts';
import { rejectionOf } from '../../rejection.ts';

const HOUR = 3_600_000;
let root: string;
let requestPath: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'leakguard-clock-'));
  requestPath = join(root, 'clock-wish');
});
afterEach(() => rmSync(root, { recursive: true }));

const clockOf = (parts: Partial<ClockParts> = {}): BoxClock =>
  new BoxClock({ requestPath, root, earliest: Date.now() - HOUR, ...parts });

async function ask(clock: BoxClock, body: unknown): Promise<unknown> {
  const [route] = routesOf(clockRoutes(clock));
  return Promise.resolve().then(() => route?.handle({ parts: {}, query: new URLSearchParams(), body }));
}

async function refusal(asked: Promise<unknown>): Promise<ApiError> {
  const error = await rejectionOf(asked);
  if (error instanceof ApiError) return error;
  throw new Error('it was not refused');
}

/** The other program: takes the wish as soon as it is there. */
function taking(): { readonly options: unknown[]; close(): void } {
  const options: unknown[] = [];
  const watcher = watch(root, () => {
    const request = takeRequest(requestPath);
    if (request !== undefined) options.push(request);
  });
  return { options, close: () => watcher.close() };
}

it('leaves the wish and answers when it was taken and the clock says so', async () => {
  const other = taking();
  const wall = Date.now() + 500;
  expect(clockAnswer.parse(await ask(clockOf(), { wall })).now).toMatch(/^20/);
  other.close();
  expect(other.options).toMatchObject([{ wall }]);
});

it('does not say that the clock was set when it was not', async () => {
  const other = taking();
  const refused = await refusal(ask(clockOf({ timeoutMs: 300 }), { wall: Date.now() + HOUR }));
  other.close();
  expect([refused.status, refused.code, refused.message]).toMatchObject([
    503,
    'not-set',
    /the request was refused/,
  ]);
});

it('takes the wish back that nobody takes', async () => {
  const refused = await refusal(ask(clockOf({ timeoutMs: 0 }), { wall: Date.now() }));
  expect([refused.status, refused.code]).toEqual([503, 'not-set']);
  expect(refused.message).toContain('no program picked up the request');
  expect(existsSync(requestPath)).toBe(false);
});

it.each([
  ['invalid', undefined],
  ['invalid', { wall: '1' }],
  ['invalid', { wall: 1.5 }],
  ['implausible', { wall: 1_795_000_000 }],
  ['implausible', { wall: Date.UTC(2100, 0, 1) }],
  ['implausible', { wall: Date.now() - 2 * HOUR }],
])('refuses as %s: %j', async (code, body) => {
  const refused = await refusal(ask(clockOf(), body));
  expect([refused.status, refused.code, existsSync(requestPath)]).toEqual([400, code, false]);
});

it('leaves a clock alone that a time service keeps, and one that is not the box’s', async () => {
  const wall = Date.now();
  expect(clockOf().source).toBe('owner');
  const lab = clockOf({ requestPath: undefined });
  expect([lab.source, (await refusal(ask(lab, { wall }))).code]).toEqual(['machine', 'not-ours']);
  const synchronised = join(root, 'run/systemd/timesync/synchronized');
  mkdirSync(dirname(synchronised), { recursive: true });
  writeFileSync(synchronised, '');
  expect([clockOf().source, (await refusal(ask(clockOf(), { wall }))).code]).toEqual(['network', 'kept']);
});
