// What `leakguard api` prints.

import { expect, it } from 'vitest';

import { apiCommand } from '../../../appliance/cli/api.ts';
import { openApi } from '../../../src/api/openapi.ts';
import { runCommand } from './command-run.ts';

it('prints the contract, and without a form says which there are', async () => {
  const { code, out } = await runCommand([apiCommand('7.8')], ['api', '--openapi']);
  expect([code, JSON.parse(out)]).toEqual([0, JSON.parse(JSON.stringify(openApi('7.8')))]);
  const refused = await runCommand([apiCommand('7.8')], ['api']);
  expect([refused.code, refused.out]).toEqual([2, '']);
  expect(refused.err).toContain('leakguard api --openapi');
});
