// How long it takes from a visit on the wire until whoever listens to the box is told of it (rule D), against tcpdump's own time of the
// first frame. The laptop asks and goes to the answer at once, as a browser does.
// npm run bench -- visits [rounds] (after npm run build, as root) prints one JSON object.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { Lab } from '../../dist/appliance/lab/lab.js';
import { LAN, NET, planOf } from '../../dist/appliance/lab/plan.js';

const ROUNDS = Number(process.argv[2] ?? 50);
const FIRST_PORT = 20_000;
const LATE_MS = 10_000;
/** The box has said all of the visit before. */
const SILENCE_MS = 700;
const here = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));

/** The tests' own maker of QUIC packets. @param {string} directory */
async function quicInitial(directory) {
  const file = join(directory, 'quic-packet.mjs');
  const bundle = await rolldown({ input: here('../netns/quic-packet.ts'), platform: 'node' });
  await bundle.write({ file });
  return /** @type {string} */ ((await import(file)).quicInitialFor('sealed.example'));
}

/** Lines of a program in a namespace of the lab. @param {string[]} argv */
function listen([program = '', ...args]) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
}

/** Hears of each visit once: its id, and when it was told. @param {string} socketPath @param {(id: string) => void} told */
function hear(socketPath, told) {
  const known = new Set();
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/v1/events', agent: false }, (answer) => {
      const lines = createInterface(answer);
      // The end of the lab ends it in the middle.
      lines.on('error', () => undefined);
      lines.on('line', (line) => {
        if (!line.startsWith('data:') || !line.includes('"rule":"D"')) return;
        const { id, rule } = JSON.parse(line.slice(5));
        if (rule !== 'D' || known.has(id)) return;
        known.add(id);
        told(id);
      });
      resolve(asked);
    });
    asked.on('error', () => undefined);
    asked.end();
  });
}

/** @param {number[]} times @param {number} share */
const quantile = (times, share) =>
  Number(
    [...times]
      .sort((a, b) => a - b)
      [Math.min(times.length - 1, Math.floor(times.length * share))]?.toFixed(1),
  );

const directory = mkdtempSync(join(tmpdir(), 'leakguard-visits-'));
const lab = await Lab.raise(planOf(`v${(process.pid % 36 ** 5).toString(36)}`), { filling: 'guard' });
try {
  const { laptop, uplink } = lab.network;
  const initial = await quicInitial(directory);
  const filter = `(tcp[13] = 2 or ip6[53] = 2 or udp) and dst port 443 and (host ${NET.web4} or host ${NET.web6})`;
  const eve = listen(uplink.argv(['tcpdump', '-i', 'eth0', '-n', '-tt', '-l', '--immediate-mode', filter]));
  /** When a frame from a port was on the wire. @type {Map<number, number>} */
  const seen = new Map();
  createInterface(eve.child.stdout).on('line', (line) => {
    const [, at, port] = /^(\d+\.\d+) IP6? \S+\.(\d+) > /.exec(line) ?? [];
    if (port !== undefined && !seen.has(Number(port))) seen.set(Number(port), Number(at) * 1_000);
  });
  const visitor = listen(
    laptop.argv([process.execPath, here('visitor.mjs'), NET.resolver4, LAN.laptop4, LAN.laptop6, initial]),
  );
  await visitor.lines.next();
  let told = () => undefined;
  const events = await hear(lab.plan.files.api, () => told());

  /** @type {Record<string, { p50Ms: number, p99Ms: number, mostMs: number }>} */
  const results = {};
  let port = FIRST_PORT;
  for (const transport of ['tcp', 'quic']) {
    for (const family of ['4', '6']) {
      /** @type {number[]} */
      const times = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        port += 1;
        await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
        await lab.guard.acknowledge();
        /** @type {Promise<number>} */
        const heard = new Promise((resolve) => {
          const late = setTimeout(() => resolve(Infinity), LATE_MS);
          told = () => {
            clearTimeout(late);
            resolve(Date.now());
            return undefined;
          };
        });
        visitor.child.stdin.write(`v${port}.example ${family} ${transport} ${port}\n`);
        const [at] = await Promise.all([heard, visitor.lines.next()]);
        // What was not told is as late as can be, and its story is told here.
        if (at === Infinity) process.stderr.write(`${JSON.stringify(await lab.guard.status())}\n`);
        else while (!seen.has(port)) await new Promise((resolve) => setImmediate(resolve));
        times.push(at - (seen.get(port) ?? 0));
      }
      results[`${transport}, IPv${family}`] = {
        ...{ p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), mostMs: quantile(times, 1) },
      };
    }
  }
  events.destroy();
  visitor.child.kill();
  eve.child.kill();
  console.log(JSON.stringify({ rounds: ROUNDS, results }));
} finally {
  await lab.close();
  rmSync(directory, { recursive: true, force: true });
}
