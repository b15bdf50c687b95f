// Tunnels by the command, against a daemon at work: nothing without a yes, comments kept, no key anywhere.
//
//   laptop eth0 --veth-- lan0 [br0, leakguardd] wan0 --veth-- eth0 uplink     (names and addresses: appliance/lab/plan.ts)

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { labPolicy } from '../../appliance/lab/box.ts';
import { run } from '../../appliance/lab/process.ts';
import { programArgv } from '../../appliance/lab/program.ts';
import { ask } from './ask.ts';
import { labForTests } from './harness.ts';

const KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
const lab = labForTests({ filling: 'guard' });

const tunnels = (...words: readonly string[]): ReturnType<typeof run> =>
  run(programArgv('cli/main', 'tunnels', ...words, '--api', lab().plan.files.api));
const names = async (): Promise<string[]> => (await lab().guard.status()).tunnels.map(({ name }) => name);

it('imports after a yes and not before, keeps comments, shows no key, and removes again', async () => {
  const { plan } = lab();
  const commented = `${labPolicy(plan)}# a note of mine\n`;
  expect((await ask(plan.files.api, 'PUT', '/v1/policy', { text: commented })).status).toBe(200);
  const file = join(plan.dir, 'away.conf');
  const config = `[Interface]\nPrivateKey = ${KEY}\n[Peer]\nPublicKey = ${KEY}\nEndpoint = 203.0.113.99:51820\nSecret ${KEY}\n`;
  await writeFile(file, config);

  const proposed = await tunnels('import', file);
  expect({ code: proposed.code, names: await names() }).toEqual({ code: 0, names: ['lab'] });
  expect(proposed.stdout).toContain('udp:203.0.113.99:51820');
  expect(proposed.stdout).toContain('line 6');

  const done = await tunnels('import', file, '--yes', '--json');
  expect({ code: done.code, names: await names() }).toEqual({ code: 0, names: ['lab', 'away'] });
  const policy = await readFile(plan.files.policy, 'utf8');
  expect(policy).toContain('# a note of mine');
  expect(policy).toContain('udp:203.0.113.99:51820');
  for (const text of [proposed.stdout, done.stdout, policy]) expect(text).not.toContain(KEY.slice(0, 8));

  expect((await tunnels('add', 'bad', 'wireguard', 'tcp:203.0.113.98:1')).code).toBe(2);
  expect((await tunnels('remove', 'away')).code).toBe(0);
  expect(await names()).toEqual(['lab']);
  expect(await readFile(plan.files.policy, 'utf8')).toContain('# a note of mine');
});

it('learns nothing that it did not see', async () => {
  expect((await tunnels('learn', 'udp:192.0.2.99:51820', '--yes')).code).toBe(2);
  expect(await names()).toEqual(['lab']);
});
