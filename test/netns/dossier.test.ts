// Checks that the dossier counts what a person would count, with real clients: each question once, each visit for the name that its
// connection showed, and one without a name for none of those that the address was an answer for.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink: a resolver that gives every name one address, and a web server there

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NET } from '../../appliance/lab/plan.ts';
import type { Argv } from '../../appliance/lab/processes/process.ts';
import { dossier as dossierAnswer } from '../../src/api/past.ts';
import type { DossierSite } from '../../src/api/past.ts';
import { ask } from './ask.ts';
import { labForTests } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { curl, dig } from './rule-watch.ts';

const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  await daemon.start();
  await lab().connectLaptop();
});
afterAll(() => daemon.stop());

const visit = (name: string): Argv =>
  curl(`https://${name}/`, '--resolve', `${name}:443:${NET.web4}`, '--no-keepalive');

async function does(...acts: readonly Argv[]): Promise<void> {
  for (const act of acts) await lab().network.laptop.run(act);
}

/** What the dossier says of each name and address, in words. */
async function told(): Promise<Readonly<Record<string, string>>> {
  const { body } = await ask(lab().plan.files.api, 'GET', '/v1/dossier');
  const dossier = dossierAnswer.safeParse(body).data;
  const all: readonly DossierSite[] = [...(dossier?.sites ?? []), ...(dossier?.destinations ?? [])];
  return Object.fromEntries(all.map(({ site, words }) => [site, words]));
}
/** A connection that shows no name is told as such after ten seconds. */
const PATIENCE = { timeout: 30_000, interval: 250 } as const;

describe('watch mode, full-tunnel', () => {
  it('three questions and two visits are that', async () => {
    const question = dig(NET.resolver4, 'a.example');
    await does(question, question, question, visit('a.example'), visit('a.example'));
    await expect.poll(told, PATIENCE).toMatchObject({ 'a.example': 'asked 3 times, visited twice' });
  });

  it('a system that asks for both sorts of addresses asks once', async () => {
    await does(dig(NET.resolver4, 'both.example', 'A'), dig(NET.resolver4, 'both.example', 'AAAA'));
    await expect.poll(told, PATIENCE).toMatchObject({ 'both.example': 'asked once' });
  });

  it('a visit without a name is to one of those that the address is shared by, and to none of them', async () => {
    const before = await told();
    await does(dig(NET.resolver4, 'b.example'), curl(`https://${NET.web4}/`));
    const there = async (): Promise<string> => (await told())[NET.web4] ?? '';
    await expect.poll(there, PATIENCE).toMatch(/^visited once: one of b\.example, .*a\.example/);
    expect(await told()).toMatchObject({ ...before, 'b.example': 'asked once' });
  });

  it('what the tunnel carries is neither', async () => {
    const before = await told();
    await does(
      ['dig', '+tries=1', '+time=2', `@${NET.resolver4}`, 'inside.example'],
      ['curl', '-sSk', '--max-time', '5', `https://${NET.web4}/`],
      dig(NET.resolver4, 'after.example'),
    );
    await expect.poll(told, PATIENCE).toMatchObject({ 'after.example': 'asked once' });
    expect(await told()).toEqual({ ...before, 'after.example': 'asked once' });
  });
});

it('block mode: what was stopped Eve has never had', async () => {
  await lab().guard.block(true);
  const before = await told();
  await does(dig(NET.resolver4, 'c.example'), visit('c.example'));
  await lab().guard.block(false);
  await does(dig(NET.resolver4, 'd.example'));
  await expect.poll(told, PATIENCE).toMatchObject({ 'd.example': 'asked once' });
  expect(await told()).toEqual({ ...before, 'd.example': 'asked once' });
});

it('what a restart finds on disk is counted on', async () => {
  daemon.end();
  await daemon.watching();
  await does(dig(NET.resolver4, 'a.example'), visit('a.example'));
  await expect.poll(told, PATIENCE).toMatchObject({ 'a.example': 'asked 4 times, visited 3 times' });
});
