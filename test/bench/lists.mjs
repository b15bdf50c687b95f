// How long a list of twenty thousand servers takes from its file into force, and who waits meanwhile.
// npm run bench -- lists (after npm run build, as root): a lab of its own with its tunnel up; `leakguard tunnels import FILE --yes` twice,
// the second time with a server more, then block mode on and off. The status is asked for twenty times a second. Prints one JSON object.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { Lab } from '../../dist/appliance/lab/lab.js';
import { planOf } from '../../dist/appliance/lab/plan.js';

const SERVERS = 20_000;
const EVERY_MS = 50;
const CLI = fileURLToPath(new URL('../../dist/appliance/cli/main.js', import.meta.url));
const run = promisify(execFile);

/** As Mullvad's app has it: every relay with the same range of ports. @param {number} more */
const listWith = (more) =>
  JSON.stringify({
    wireguard: {
      port_ranges: [[4000, 33_433]],
      relays: Array.from({ length: SERVERS - 1 + more }, (_, n) => ({
        hostname: `relay-${String(n)}`,
        ipv4_addr_in: `10.${String(n >> 8)}.${String(n & 255)}.1`,
        active: true,
      })),
    },
  });

const lab = await Lab.raise(planOf(`b${process.pid % 100_000}`), { filling: 'guard' });
const { files } = lab.plan;

/** @returns {Promise<number>} */
const ask = () =>
  new Promise((resolve) => {
    const began = performance.now();
    const asked = request({ socketPath: files.api, path: '/v1/status', agent: false }, (answer) => {
      answer
        .resume()
        .on('end', () => resolve(answer.statusCode === 200 ? performance.now() - began : Infinity));
    });
    asked.once('error', () => resolve(Infinity));
    asked.end();
  });

/** How long a command takes, and the slowest of the questions that were asked meanwhile. @param {string[]} args */
async function timed(...args) {
  /** @type {Promise<number>[]} */
  const asked = [];
  const timer = setInterval(() => asked.push(ask()), EVERY_MS);
  const began = performance.now();
  const { stdout } = await run(process.execPath, [CLI, ...args, '--api', files.api], { maxBuffer: 1e8 });
  const ms = performance.now() - began;
  // What goes on behind the answer counts, too.
  await sleep(3_000);
  clearInterval(timer);
  const meanwhile = await Promise.all(asked);
  return {
    ms: Math.round(ms),
    slowestMs: Math.round(Math.max(...meanwhile)),
    asked: meanwhile.length,
    said: stdout.length,
  };
}

try {
  const path = join(lab.plan.dir, 'relays.json');
  /** @type {Record<string, unknown>} */
  const figures = { aloneMs: Math.round(await ask()) };
  writeFileSync(path, listWith(0));
  figures['first'] = await timed('tunnels', 'import', path, '--yes');
  writeFileSync(path, listWith(1));
  figures['again'] = await timed('tunnels', 'import', path, '--yes');
  figures['blockOn'] = await timed('block', 'on');
  figures['blockOff'] = await timed('block', 'off');
  figures['load'] = loadavg().map((value) => Math.round(value * 10) / 10);
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  await lab.close();
}
