// Tunnels by the command, against a daemon at work: nothing without a yes, comments kept, no key anywhere.
//
//   laptop eth0 --veth-- lan0 [br0, leakguardd] wan0 --veth-- eth0 uplink     (names and addresses: appliance/lab/plan.ts)

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN } from '../../appliance/lab/plan.ts';
import { run } from '../../appliance/lab/processes/process.ts';
import { programArgv } from '../../appliance/lab/processes/program.ts';
import type { Status } from '../../src/api/status.ts';
import { ask } from './ask.ts';
import { labForTests, seenByUplink } from './harness.ts';

const KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
const SENDER = fileURLToPath(new URL('./steady-datagram.mjs', import.meta.url));
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

it('no tunnel is a breach that is added in block mode while its client tries', async () => {
  const SERVER = '203.0.113.99';
  const isStopped = ({ incidents }: Status): boolean =>
    incidents.some(({ destination, blocked }) => destination.startsWith(SERVER) && blocked > 0);
  await lab().guard.block(true);
  // WireGuard's initiation, some two hundred of them a second.
  const initiation = `01000000${'5a'.repeat(144)}`;
  const client = await lab().network.laptop.start([
    process.execPath,
    ...[SENDER, LAN.laptop4, SERVER, '51820', initiation, '5'],
  ]);
  try {
    for (let round = 0; round < 2; round += 1) {
      await lab().guard.acknowledge();
      await lab().guard.waitFor('attempts that are stopped', isStopped, 10_000);
      const seen = await seenByUplink(lab(), `udp and dst host ${SERVER}`, async () => {
        expect((await tunnels('add', 'late', 'wireguard', `udp:${SERVER}:51820`)).code).toBe(0);
        const broken = await lab().guard.breaks(
          ({ state, incidents }) => state !== 'breach' && !incidents.some(({ breach }) => breach),
          2_000,
        );
        expect(broken).toBeUndefined();
      });
      expect(seen.length).toBeGreaterThan(10);
      expect((await tunnels('remove', 'late')).code).toBe(0);
    }
  } finally {
    await client.stop();
    await lab().guard.block(false);
  }
});
