// Knows: what the paths of the local API that read and change settings do. Must not know: HTTP, kernel, YAML.
// An edit is a new policy text: it is in force whole, or refused whole with every fault.

import type { SettingsAnswer } from '../../src/guard/answers.ts';
import type { Status } from '../../src/guard/status.ts';
import { EDITABLE } from '../../src/policy/settings.ts';
import { ApiError, BinaryAnswer } from './api-server.ts';
import type { ApiRoute } from './api-server.ts';
import { invalidFile, policyDigest } from './policy-texts.ts';
import type { PolicyTexts } from './policy-texts.ts';
import type { ApiSubject } from './routes.ts';
import { policyText } from './tunnel-routes.ts';

/** What these routes ask of the daemon; `configPath` is the policy file. */
interface SettingsSubject {
  readonly configPath: string;
  readonly texts: PolicyTexts;
  readonly setPolicy: ApiSubject['setPolicy'];
}

/** More than any list of a policy takes (src/policy/schema-parts.ts): none of it needs to be written down to be refused. */
const LIST_MOST = 4_096;

export function settingsRoutes(box: SettingsSubject): readonly ApiRoute[] {
  return [
    { method: 'GET', path: '/v1/settings', handle: () => told(box) },
    { method: 'PUT', path: '/v1/settings', handle: ({ body }) => edit(box, body) },
    {
      method: 'GET',
      path: '/v1/policy/text',
      handle: () => new BinaryAnswer('application/yaml', Buffer.from(policyText(box))),
    },
  ];
}

async function told(box: SettingsSubject): Promise<SettingsAnswer> {
  const text = policyText(box);
  return { ...(await box.texts.settings(text)), digest: policyDigest(text) };
}

async function edit(box: SettingsSubject, body: unknown): Promise<Status> {
  const given = typeof body === 'object' && body !== null ? Object.entries(body) : [];
  const unknown = given.filter(([name]) => !EDITABLE.some((known) => known === name));
  if (given.length === 0 || unknown.length > 0) {
    const remedy = `send one of ${EDITABLE.join(', ')}`;
    const faults = unknown.map(([path]) => ({ path, message: 'cannot be changed here', remedy }));
    throw new ApiError(400, 'invalid', 'that changes no setting', faults);
  }
  const long = given.filter(([, value]) => Array.isArray(value) && value.length > LIST_MOST);
  if (long.length > 0) {
    const remedy = `send at most ${LIST_MOST}`;
    const faults = long.map(([path]) => ({ path, message: 'has too many entries', remedy }));
    throw new ApiError(400, 'invalid', 'that is no list of settings', faults);
  }
  const changed = await box.texts.run('change', {
    text: policyText(box),
    settings: Object.fromEntries(given),
  });
  if ('faults' in changed) throw invalidFile(changed.faults);
  const answer = await box.setPolicy(changed.text, changed.parsed);
  if ('state' in answer) return answer;
  throw new ApiError(422, 'policy', 'the policy would be invalid with it, and stays as it was', answer);
}
