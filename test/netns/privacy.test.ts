// What a box with privacy keeps and tells after real leaks: its state directory, its log and every answer of its API are searched
// for what was on the wire.
//
//   laptop eth0 --veth-- lan0 [br0, leakguardd] wan0 --veth-- eth0 uplink

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN, NET } from '../../appliance/lab/plan.ts';
import { ask } from './ask.ts';
import { labForTests } from './harness.ts';

const lab = labForTests({ filling: 'guard' });

const NAME = 'clinic-appointment.example';
/** Who, what and where of the leak below; the laptop's addresses and its own name come with its DHCP request. */
const CLEAR = ['clinic-appointment', NET.resolver4, NET.web4, LAN.laptop4, LAN.laptopMac];
const PATHS = [
  ...['/v1/status', '/v1/incidents?limit=2000', '/v1/clients', '/v1/dossier', '/v1/timeline?buckets=24'],
  ...['/v1/history', '/v1/incidents?rule=A', '/v1/incidents?text=example'],
];

function get(path: string, method = 'GET'): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: lab().plan.files.api, path, method }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => resolve(Buffer.concat(parts).toString('latin1')));
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** Everything that is kept and told, as one text. */
async function everything(): Promise<string> {
  const { files, dir } = lab().plan;
  const answers = await Promise.all(PATHS.map((path) => get(path)));
  const incidents = JSON.parse(answers[1] ?? '') as { incidents: { id: string }[] };
  const single = incidents.incidents.flatMap(({ id }) => [
    get(`/v1/incidents/${id}`),
    get(`/v1/incidents/${id}/evidence`),
  ]);
  const kept = readdirSync(files.guardState, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  return [
    ...answers,
    ...(await Promise.all(single)),
    ...kept,
    readFileSync(`${dir}/leakguardd.log`, 'latin1'),
  ].join('\n');
}

async function leak(): Promise<void> {
  const { laptop } = lab().network;
  await lab().guard.acknowledge();
  await laptop.run(['dig', '+short', '+tries=1', '+time=2', '-b', LAN.laptop4, `@${NET.resolver4}`, NAME]);
  await laptop.run(['curl', '-sS', '--max-time', '3', '--interface', 'eth0', `http://${NET.web4}/`]);
  await lab().guard.waitFor('both leaks', ({ unacknowledged }) => unacknowledged >= 2, 10_000);
}

const found = (text: string): string[] => CLEAR.filter((clear) => text.includes(clear));
const put = async (privacy: string): Promise<number> => {
  const text = `${labPolicy(lab().plan)}privacy: ${privacy}\n`;
  return (await ask(lab().plan.files.api, 'PUT', '/v1/policy', { text })).status;
};
const sqlite = (sql: string): string =>
  execFileSync('sqlite3', [join(lab().plan.files.guardState, 'history.db'), sql], { encoding: 'utf8' });

describe('privacy on a real wire', () => {
  it('redacted: nothing of who, what and where is kept, logged or told', async () => {
    expect(await put('redacted')).toBe(200);
    await get('/v1/history/rewrite', 'POST');
    await leak();
    const text = await everything();
    expect(text).toMatch(/h-[0-9a-f]{20}\.example/);
    expect(text).toContain('203.0.113.0/24');
    expect(found(text)).toEqual([]);
  });

  it('full: all of it is there, with frames; a stricter setting offers to rewrite it, and then nothing is left', async () => {
    expect(await put('full')).toBe(200);
    await leak();
    expect(found(await everything())).toEqual(CLEAR);
    expect(await put('redacted')).toBe(200);
    expect((await lab().guard.status()).health.warnings.join(' ')).toContain('leakguard history rewrite');
    expect(JSON.parse(await get('/v1/history/rewrite', 'POST'))).toEqual({
      privacy: 'redacted',
      laxerPast: 0,
    });
    expect(found(await everything())).toEqual([]);
    expect((await lab().guard.status()).health.warnings).toEqual([]);
  });

  it('minimal: counts by kind and hour, and no client', async () => {
    expect(await put('minimal')).toBe(200);
    await get('/v1/history/rewrite', 'POST');
    await leak();
    const text = await everything();
    expect(found(text)).toEqual([]);
    expect(text).not.toMatch(/h-[0-9a-f]{20}/);
    expect(sqlite('SELECT DISTINCT first % 3600000, client, destination FROM incidents')).toBe('0||\n');
    expect(sqlite('SELECT count(*) FROM clients')).toBe('0\n');
  });
});
