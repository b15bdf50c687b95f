// The routes of the local API for updates: they take a file in parts, check its signature and hand it on. Another program, which does not
// trust this one, installs it (appliance/update/).

import { join } from 'node:path';

import { MAX_UPDATE_PART_BYTES } from '../../../src/api/words.ts';
import type { UpdateStatus } from '../../../src/api/box.ts';
import type { Body } from '../../../src/api/endpoints.ts';
import { MAX_UPDATE_BYTES, UpdateError, readUpdate } from '../../update/bundle.ts';
import { Inbox } from '../../update/inbox.ts';
import { keysIn } from '../../update/keys.ts';
import { UPDATE_PLACES } from '../../update/places.ts';
import { publishedIn } from '../../update/slots.ts';
import { ApiError } from './api-server.ts';
import type { Handlers } from './handlers.ts';

/** The two root-owned places that the daemon reads. */
type RootPlaces = Pick<typeof UPDATE_PLACES, 'state' | 'keys'>;

/**
 * Handlers for updates. `stateDir` is the daemon's, which holds the inbox; `version` is the running one; `places`: root's directories. They
 * throw ApiError: 409 for a part out of order, 413 for one that is too large, 400 with UpdateError's code when the file would be refused.
 */
export function updateRoutes(stateDir: string, version: string, places: RootPlaces = UPDATE_PLACES) {
  const inbox = (): Inbox => new Inbox(join(stateDir, 'update'));
  const status = ({ received }: Inbox): UpdateStatus => {
    const { wayBack, ...last } = publishedIn(places.state);
    return { running: version, ...last, wayBack: wayBack === version, received };
  };
  return {
    update: () => status(inbox()),
    updatePart: ({ body }) => status(take(inbox(), body)),
    installUpdate: () => status(submit(inbox(), version, places)),
  } satisfies Partial<Handlers>;
}

function take(inbox: Inbox, { at, bytes: text }: Body<'updatePart'>): Inbox {
  const bytes = Buffer.from(text, 'base64');
  const next = inbox.received;
  if (at !== 0 && at !== next)
    throw new ApiError(409, 'order', `the next part begins at byte ${next}, not at ${at}`);
  if (bytes.length === 0 || bytes.length > MAX_UPDATE_PART_BYTES || at + bytes.length > MAX_UPDATE_BYTES)
    throw new ApiError(
      413,
      'too-large',
      `a part has 1 to ${MAX_UPDATE_PART_BYTES} bytes, an update at most ${MAX_UPDATE_BYTES}`,
    );
  inbox.receive(at, bytes);
  return inbox;
}

/** Checked here so that the uploader gets an error at once; the installer does not rely on it and checks again. */
function submit(inbox: Inbox, running: string, { state, keys }: RootPlaces): Inbox {
  try {
    const { head } = readUpdate(inbox.uploaded(), keysIn(keys));
    if (head.version !== running && publishedIn(state).wayBack !== running)
      throw new UpdateError('no-way-back', `no signed file of version ${running} is kept on this box`);
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    throw new ApiError(400, error.code, error.message, [], error);
  }
  inbox.submit();
  return inbox;
}
