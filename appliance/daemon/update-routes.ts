// Knows: what the paths of the local API about updates do: take a file in parts, look at its signature, hand it on.
// Must not know: how an update is installed: another program does, which believes no word of this one.

import { dirname, join } from 'node:path';

import { UPDATE_PART_MOST } from '../../src/guard/update-status.ts';
import type { UpdateStatus } from '../../src/guard/update-status.ts';
import { UPDATE_MOST, UpdateError, readUpdate } from '../update/bundle.ts';
import { keysIn } from '../update/keys.ts';
import { Slots } from '../update/slots.ts';
import { ApiError } from './api-server.ts';
import type { ApiRoute } from './api-server.ts';
import { field } from './routes.ts';

/** `stateDir` as the daemon's; the keys lie beside the policy; `version` is the one that runs. */
export function updateRoutes(stateDir: string, configPath: string, version: string): readonly ApiRoute[] {
  const slots = (): Slots => new Slots(join(stateDir, 'update'));
  const keys = join(dirname(configPath), 'update-keys');
  return [
    { method: 'GET', path: '/v1/update', handle: () => statusOf(slots(), version) },
    { method: 'POST', path: '/v1/update/part', handle: ({ body }) => statusOf(take(slots(), body), version) },
    {
      method: 'POST',
      path: '/v1/update/install',
      handle: () => statusOf(install(slots(), keysIn(keys)), version),
    },
  ];
}

function statusOf(slots: Slots, running: string): UpdateStatus {
  const { hasWorking: wayBack, received } = slots;
  return { running, ...slots.record(), wayBack, received };
}

function take(slots: Slots, body: unknown): Slots {
  const at = field(body, 'at');
  const text = field(body, 'bytes');
  if (typeof at !== 'number' || typeof text !== 'string')
    throw new ApiError(400, 'invalid', 'a part is sent as {"at": 0, "bytes": "base64"}');
  const bytes = Buffer.from(text, 'base64');
  const next = slots.received;
  if (at !== 0 && at !== next)
    throw new ApiError(409, 'order', `the next part begins at ${next}, not at ${at}`);
  if (bytes.length === 0 || bytes.length > UPDATE_PART_MOST || at + bytes.length > UPDATE_MOST)
    throw new ApiError(
      413,
      'too-large',
      `a part has 1 to ${UPDATE_PART_MOST} bytes, an update ${UPDATE_MOST}`,
    );
  slots.receive(at, bytes);
  return slots;
}

function install(slots: Slots, keys: readonly string[]): Slots {
  try {
    // Looked at here so that whoever uploaded it hears at once; the installer looks for itself.
    readUpdate(slots.uploaded(), keys);
    if (!slots.hasWorking)
      throw new UpdateError('no-way-back', 'the package of the version that works is not kept on this box');
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    throw new ApiError(400, error.code, error.message, [], error);
  }
  slots.submit();
  return slots;
}
