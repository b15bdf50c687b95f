// That whoever sends what costs most is in nobody else's way: a real daemon with a full history, every nasty question at once with
// its kind, and twenty plain ones a second. How long they take is measured by `npm run bench -- requests`.
//
//   laptop eth0 --veth-- lan0 [br0, leakguardd] wan0 --veth-- eth0 uplink

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { NASTY } from '../bench/nasty.mjs';
import { labForTests } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';

const FILL = join(import.meta.dirname, '..', 'bench', 'full-history.mjs');
const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;

beforeAll(async () => {
  const { guardState } = lab().plan.files;
  // Before the daemon: what another hand writes while it runs, it sets aside.
  mkdirSync(guardState, { recursive: true });
  execFileSync(process.execPath, [FILL, guardState, '30000']);
  daemon = new KeptDaemon(lab());
  await daemon.start();
});
afterAll(() => daemon.stop());

interface Answer {
  readonly status: number;
  readonly text: string;
}

function send(method: string, path: string, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: lab().plan.files.api, path, method, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') });
      });
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

const codeOf = ({ text }: Answer): unknown =>
  (JSON.parse(text) as { readonly error?: { readonly code: string } }).error?.code;

/** While `task` runs, whoever asks plainly is answered before it ends: each answer came while it still ran, or is the last. */
async function answeredMeanwhile(task: Promise<unknown>): Promise<number> {
  const state = { isOver: false };
  const over = task.finally(() => {
    state.isOver = true;
  });
  let answered = 0;
  while (!state.isOver) {
    expect((await send('GET', '/v1/status')).status).toBe(200);
    answered += 1;
    await sleep(50);
  }
  await over;
  return answered;
}

describe('a box that is asked what costs most', () => {
  it('answers each, refuses what is nothing, and answers others meanwhile', async () => {
    const before = readFileSync(lab().plan.files.policy, 'utf8');
    for (const { name, method, path, body } of NASTY) {
      const asked = send(method, path, body);
      const answered = await answeredMeanwhile(asked);
      const { status, text } = await asked;
      expect([200, 400, 413, 422], `${name}: ${text.slice(0, 200)}`).toContain(status);
      // Writing a whole history anew takes many seconds, in which the old daemon answered nobody.
      if (path.endsWith('/rewrite')) expect(answered).toBeGreaterThan(2);
    }
    expect(readFileSync(lab().plan.files.policy, 'utf8')).toBe(before);
    expect((await lab().guard.status()).state).not.toBe('blind');
  });

  it('refuses at once what more than a few of one kind ask, and others go on', async () => {
    const text = 'a: b\n'.repeat(30_000);
    const many = Array.from({ length: 40 }, () => send('PUT', '/v1/policy', JSON.stringify({ text })));
    expect((await send('GET', '/v1/settings')).status).toBe(200);
    expect((await send('POST', '/v1/tunnels/import', '{"text":"[Peer]","name":"x"}')).status).toBe(422);
    const codes = (await Promise.all(many)).map(codeOf);
    expect(new Set(codes)).toEqual(new Set(['policy', 'busy']));
  });
});

describe('an LED that is a file', () => {
  const withLed = (path: string): Promise<Answer> => {
    const text = labPolicy(lab().plan).replace(/^lamp:.*$/m, `lamp: {driver: file, path: ${path}}`);
    return send('PUT', '/v1/policy', JSON.stringify({ text }));
  };

  it('is written in the runtime directory and nowhere else', async () => {
    const { dir, files } = lab().plan;
    const outside = join(dir, 'elsewhere');
    for (const path of [
      outside,
      '../elsewhere',
      `${files.guardRuntime}/../elsewhere`,
      '/etc/passwd',
      'api.sock',
    ]) {
      const answer = await withLed(path);
      expect([answer.status, codeOf(answer)], path).toEqual([422, 'policy']);
      expect(answer.text).toContain('lamp.path');
    }
    expect(existsSync(outside)).toBe(false);
    expect((await withLed('other-lamp')).status).toBe(200);
    await expect.poll(() => existsSync(join(files.guardRuntime, 'other-lamp'))).toBe(true);
  });

  it('follows no link, and takes the place of nothing else', async () => {
    const { files, dir } = lab().plan;
    const victim = join(dir, 'victim');
    writeFileSync(victim, 'green\n');
    symlinkSync(victim, join(files.guardRuntime, 'link-lamp'));
    symlinkSync(dirname(victim), join(files.guardRuntime, 'link-folder'));
    writeFileSync(join(files.guardRuntime, 'notes'), 'what somebody keeps');
    for (const path of ['link-lamp', 'link-folder/victim', 'notes']) {
      expect((await withLed(path)).status, path).toBe(200);
      expect((await lab().guard.status()).health.warnings.join(' ')).toContain('The LED cannot be used');
    }
    expect(readFileSync(victim, 'utf8')).toBe('green\n');
    expect(readFileSync(join(files.guardRuntime, 'notes'), 'utf8')).toBe('what somebody keeps');
    expect((await withLed('lamp')).status).toBe(200);
  });
});
