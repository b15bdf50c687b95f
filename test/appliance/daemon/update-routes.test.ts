// Knows: how an update reaches the box in parts, and what is refused on the way. Must not know: how it is installed.

import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { ApiError } from '../../../appliance/daemon/api-server.ts';
import { updateRoutes } from '../../../appliance/daemon/update-routes.ts';
import { makeUpdate } from '../../../appliance/update/bundle.ts';
import { Slots } from '../../../appliance/update/slots.ts';
import { readUpdateStatus } from '../../../src/guard/update-status.ts';
import { rejectionOf } from '../rejection.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const FILE = makeUpdate({ version: '9.9', architecture: 'amd64' }, Buffer.alloc(700_000, 7), privateKey);

let folder: string;
let slots: Slots;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leakguard-update-'));
  mkdirSync(join(folder, 'update-keys'));
  writeFileSync(join(folder, 'update-keys', 'owner.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  slots = new Slots(join(folder, 'update'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function call(path: string, body?: unknown): Promise<unknown> {
  const method = body === undefined && path === '/v1/update' ? 'GET' : 'POST';
  const route = updateRoutes(folder, join(folder, 'policy.yaml'), '1.0').find(
    (one) => one.path === path && one.method === method,
  );
  return Promise.resolve().then(() => route?.handle({ parts: {}, query: new URLSearchParams(), body }));
}

const part = (at: number, end: number): Promise<unknown> =>
  call('/v1/update/part', { at, bytes: FILE.subarray(at, end).toString('base64') });

async function refusal(asked: Promise<unknown>): Promise<string> {
  const error = await rejectionOf(asked);
  return error instanceof ApiError ? error.code : 'taken';
}

it('takes a signed update in parts and hands it on whole', async () => {
  slots.keepWorking(Buffer.from('!<arch>\n'));
  await part(0, 400_000);
  expect(readUpdateStatus(await part(400_000, FILE.length))?.received).toBe(FILE.length);
  expect(readUpdateStatus(await call('/v1/update/install'))).toMatchObject({ wayBack: true, received: 0 });
  expect(readFileSync(slots.incoming).equals(FILE)).toBe(true);
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
  slots.keepWorking(Buffer.from('!<arch>\n'));
  await part(0, Math.min(bytes, 400_000));
  if (bytes > 400_000) await part(400_000, bytes);
  expect(await refusal(call('/v1/update/install'))).toBe(code);
  expect(existsSync(slots.incoming)).toBe(false);
});

it('hands nothing on without a way back, and nothing that nobody trusted signed', async () => {
  await part(0, 400_000);
  await part(400_000, FILE.length);
  expect(await refusal(call('/v1/update/install'))).toBe('no-way-back');
  rmSync(join(folder, 'update-keys'), { recursive: true });
  expect(await refusal(call('/v1/update/install'))).toBe('not-signed');
  expect(existsSync(slots.incoming)).toBe(false);
});

it('tells what runs and what became of the last one', async () => {
  slots.write({ stage: 'rolled-back', version: '9.9', why: 'blind' });
  expect(readUpdateStatus(await call('/v1/update'))).toMatchObject({
    stage: 'rolled-back',
    why: 'blind',
    running: '1.0',
    wayBack: false,
  });
});
