// How long plain questions take while somebody else asks what costs most.
// npm run bench -- requests (after npm run build, as root): a lab of its own, whose guard starts with a full history; sends every
// nasty question once, and asks for the status twenty times a second meanwhile. Prints one JSON object.

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

import { startDaemon } from '../../dist/appliance/lab/machines/box.js';
import { Lab } from '../../dist/appliance/lab/lab.js';
import { planOf } from '../../dist/appliance/lab/plan.js';
import { NASTY } from './nasty.mjs';

const EVERY_MS = 50;
const PLAIN = ['/v1/status', '/v1/settings', '/v1/incidents?limit=100', '/v1/timeline'];
const FILL = fileURLToPath(new URL('./full-history.mjs', import.meta.url));

const lab = await Lab.raise(planOf(`b${process.pid % 100_000}`), { filling: 'nothing' });
const { files } = lab.plan;

/** @param {string} method @param {string} path @param {string} [body] @returns {Promise<{ status: number, ms: number }>} */
const send = (method, path, body) =>
  new Promise((resolve, reject) => {
    const began = performance.now();
    const asked = request({ socketPath: files.api, path, method, agent: false }, (answer) => {
      answer
        .resume()
        .on('end', () => resolve({ status: answer.statusCode ?? 0, ms: performance.now() - began }));
    });
    asked.once('error', reject);
    asked.end(body);
  });

/** Plain questions until told to stop, each at its time whether or not the one before was answered. */
const plain = () => {
  /** @type {Promise<number>[]} */
  const asked = [];
  const timer = setInterval(() => {
    const path = PLAIN[asked.length % PLAIN.length] ?? '/v1/status';
    asked.push(send('GET', path).then(({ status, ms }) => (status === 200 ? ms : Infinity)));
  }, EVERY_MS);
  return async () => {
    clearInterval(timer);
    return Promise.all(asked);
  };
};

/** @type {Awaited<ReturnType<typeof startDaemon>> | undefined} */
let daemon;
try {
  // Before the daemon: what another hand writes while it runs, it sets aside.
  mkdirSync(files.guardState, { recursive: true });
  execFileSync(process.execPath, [FILL, files.guardState, '60000']);
  daemon = await startDaemon(lab.plan, lab.network.box, lab.guard, () => Promise.resolve());
  await lab.connectLaptop();
  // What this machine takes with nobody else asking.
  const alone = plain();
  await sleep(3_000);
  const quiet = (await alone()).sort((a, b) => a - b);
  const rows = [];
  for (const { name, method, path, body } of NASTY) {
    const stop = plain();
    const { status, ms } = await send(method, path, body);
    await sleep(2 * EVERY_MS);
    const meanwhile = await stop();
    rows.push({
      name,
      status,
      ms: Math.round(ms),
      asked: meanwhile.length,
      mostMs: Math.round(Math.max(...meanwhile)),
    });
  }
  const worst = rows.reduce((one, other) => (other.mostMs > one.mostMs ? other : one));
  const round = (/** @type {number | undefined} */ ms) => Math.round(ms ?? NaN);
  console.log(
    JSON.stringify({
      quiet: { asked: quiet.length, medianMs: round(quiet[quiet.length >> 1]), mostMs: round(quiet.at(-1)) },
      asked: rows.reduce((sum, { asked }) => sum + asked, 0),
      worst,
      over200: rows.filter(({ mostMs }) => mostMs > 200).map(({ name, mostMs }) => ({ name, mostMs })),
      rows,
    }),
  );
} finally {
  daemon?.abandon();
  await lab.close();
}
