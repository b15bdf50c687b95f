// The routes of the local API that read and change settings. A change makes a new policy text, which is put in force as a whole or refused
// as a whole with every fault.

import type { SettingsAnswer } from '../../../src/api/box.ts';
import type { Status } from '../../../src/api/status.ts';
import { ApiError, BinaryAnswer } from './api-server.ts';
import type { Handlers } from './handlers.ts';
import { invalidFile, policyDigest, policyText } from '../state/policy-texts.ts';
import type { PolicyTexts } from '../state/policy-texts.ts';
import type { ApiSubject } from './routes.ts';

/** What these routes need of the daemon; `configPath` is the policy file. */
interface SettingsSubject {
  readonly configPath: string;
  readonly texts: PolicyTexts;
  readonly setPolicy: ApiSubject['setPolicy'];
}

/**
 * Handlers for settings and the policy's text (UTF-8, as it is in the file). They throw ApiError: 409 when the file cannot be read or is
 * invalid, 422 when a change would make it invalid, and as refused-job.ts says.
 */
export function settingsRoutes(box: SettingsSubject) {
  return {
    settings: () => read(box),
    changeSettings: ({ body }) => edit(box, body),
    policyText: () => new BinaryAnswer('application/yaml', Buffer.from(policyText(box))),
  } satisfies Partial<Handlers>;
}

async function read(box: SettingsSubject): Promise<SettingsAnswer> {
  const text = policyText(box);
  return { ...(await box.texts.settings(text)), digest: policyDigest(text) };
}

async function edit(box: SettingsSubject, settings: Readonly<Record<string, unknown>>): Promise<Status> {
  const changed = await box.texts.run('change', {
    text: policyText(box),
    settings,
  });
  if ('faults' in changed) throw invalidFile(changed.faults);
  const answer = await box.setPolicy(changed.text, changed.parsed);
  if ('state' in answer) return answer;
  throw new ApiError(422, 'policy', 'this change would make the policy invalid, so it was not made', answer);
}
