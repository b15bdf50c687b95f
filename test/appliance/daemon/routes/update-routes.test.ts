// How an update reaches the box in parts, and what is refused on the way.

import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { ApiError } from '../../../../appliance/daemon/routes/api-server.ts';
import { routesOf } from '../../../../appliance/daemon/routes/handlers.ts';
import { updateRoutes } from '../../../../appliance/daemon/routes/update-routes.ts';
import { makeUpdate } from '../../../../appliance/update/bundle.ts';
import { INCOMING } from '../../../../appliance/update/inbox.ts';
import { Slots } from '../../../../appliance/update/slots.ts';
import { update as updateAnswer } from '../../../../src/api/box.ts';
import { rejectionOf } from '../../rejection.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const FILE = makeUpdate({ version: '9.9', architecture: 'amd64' }, Buffer.alloc(700_000, 7), privateKey);

let folder: string;
let slots: Slots;
const places = { state: () => join(folder, 'root'), keys: () => join(folder, 'root-keys') };
/** What the installer tells when it keeps a signed file of the version that runs. */
const wayBack = (version = '1.0'): void => {
  slots.write({ stage: 'none', version: '', why: '' }, version);
};
const incoming = (): string => join(folder, 'update', INCOMING);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leakguard-update-'));
  mkdirSync(places.keys());
  writeFileSync(join(places.keys(), 'owner.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  slots = new Slots(places.state());
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function call(path: string, body?: unknown): Promise<unknown> {
  const method = body === undefined && path === '/v1/update' ? 'GET' : 'POST';
  const handlers = updateRoutes(folder, '1.0', { state: places.state(), keys: places.keys() });
  const route = routesOf(handlers).find((one) => one.path === path && one.method === method);
  return Promise.resolve().then(() => route?.handle({ parts: {}, query: new URLSearchParams(), body }));
}

const part = (at: number, end: number): Promise<unknown> =>
  call('/v1/update/part', { at, bytes: FILE.subarray(at, end).toString('base64') });

async function refusal(asked: Promise<unknown>): Promise<string> {
  const error = await rejectionOf(asked);
  return error instanceof ApiError ? error.code : 'taken';
}

it('takes a signed update in parts and hands it on whole', async () => {
  wayBack();
  await part(0, 400_000);
  expect(updateAnswer.parse(await part(400_000, FILE.length)).received).toBe(FILE.length);
  expect(updateAnswer.parse(await call('/v1/update/install'))).toMatchObject({ wayBack: true, received: 0 });
  expect(readFileSync(incoming()).equals(FILE)).toBe(true);
});

it('refuses parts out of order, too large ones and none at all', async () => {
  await part(0, 1000);
  expect(await refusal(part(2000, 3000))).toBe('order');
  expect(await refusal(part(0, FILE.length))).toBe('too-large');
  expect(await refusal(part(1000, 1000))).toBe('too-large');
  expect(await refusal(call('/v1/update/part', { at: 'x' }))).toBe('invalid');
});

it.each([
  ['damaged', 699_000],
  ['not-an-update', 20],
])('hands nothing on that is %s', async (code, bytes) => {
  wayBack();
  await part(0, Math.min(bytes, 400_000));
  if (bytes > 400_000) await part(400_000, bytes);
  expect(await refusal(call('/v1/update/install'))).toBe(code);
  expect(existsSync(incoming())).toBe(false);
});

it('hands nothing on without a way back, and nothing that nobody trusted signed', async () => {
  await part(0, 400_000);
  await part(400_000, FILE.length);
  expect(await refusal(call('/v1/update/install'))).toBe('no-way-back');
  wayBack('0.9');
  expect(await refusal(call('/v1/update/install'))).toBe('no-way-back');
  rmSync(places.keys(), { recursive: true });
  expect(await refusal(call('/v1/update/install'))).toBe('not-signed');
  expect(existsSync(incoming())).toBe(false);
});

it('hands on a signed file of the version that runs, to be kept', async () => {
  const own = makeUpdate({ version: '1.0', architecture: 'amd64' }, Buffer.from('own'), privateKey);
  await call('/v1/update/part', { at: 0, bytes: own.toString('base64') });
  expect(updateAnswer.parse(await call('/v1/update/install'))).toMatchObject({ wayBack: false });
  expect(readFileSync(incoming()).equals(own)).toBe(true);
});

it('believes no key that others could have put there', async () => {
  wayBack();
  chmodSync(places.keys(), 0o777);
  await part(0, 400_000);
  await part(400_000, FILE.length);
  expect(await refusal(call('/v1/update/install'))).toBe('unsafe-place');
  expect(existsSync(incoming())).toBe(false);
});

it('tells what runs and what became of the last one', async () => {
  slots.write({ stage: 'rolled-back', version: '9.9', why: 'blind' }, '0.9');
  expect(updateAnswer.parse(await call('/v1/update'))).toMatchObject({
    stage: 'rolled-back',
    why: 'blind',
    running: '1.0',
    wayBack: false,
  });
});
