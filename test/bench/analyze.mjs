// How `leakguard analyze` compares with ndpiReader, suricata, tshark and tcpdump, whole process against whole process. After npm run build:
// node test/bench/analyze.mjs [--runs N] [--cache DIRECTORY] [--only PEER,…]. Prints one JSON object; peers run by turns, so that the
// machine's moods hit all alike.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CAPTURES, TUNNEL, captureFile } from './captures.mjs';

const CLI = fileURLToPath(new URL('../../dist/appliance/cli/main.js', import.meta.url));
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    cache: { type: 'string', default: join(homedir(), '.cache', 'leakguard-bench') },
    only: { type: 'string' },
  },
});
if (!existsSync(CLI)) {
  process.stderr.write('dist/ is not there: npm run build\n');
  process.exit(2);
}

/** Program and arguments for a capture; what each does is read every packet and say what is in it. */
const PEERS = {
  leakguard: (file) => [process.execPath, [CLI, 'analyze', file, '--tunnel', TUNNEL, '--json']],
  ndpiReader: (file) => ['ndpiReader', ['-i', file, '-q']],
  suricata: (file, scratch) => ['suricata', ['-r', file, '-l', scratch, '-k', 'none', '--runmode', 'single']],
  tshark: (file) => [
    'tshark',
    ['-n', '-r', file, '-T', 'fields', '-e', 'dns.qry.name', '-e', 'tls.handshake.extensions_server_name'],
  ],
  tcpdump: (file) => ['tcpdump', ['-n', '-r', file]],
};

/** Times as fast as each that it must be, and should be. */
const BARS = {
  'leaks-1-percent': { ndpiReader: [1, 2], suricata: [3, 6], tshark: [15, 30] },
  'leaks-50-percent': { ndpiReader: [1, 1], suricata: [2, 2], tshark: [8, 8] },
};

function isInstalled(peer) {
  const [program] = PEERS[peer]('x', 'x');
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** A tool that fails is fast: ours has to count what is in the capture before its time means anything. */
function verify(file, { frames, leakEvery }) {
  const args = [CLI, 'analyze', file, '--tunnel', TUNNEL, '--json'];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 30 });
  const { packets, verdicts } = JSON.parse(stdout);
  if (packets !== frames || verdicts.leak !== frames / leakEvery) throw new Error(`wrong counts of ${file}`);
}

/** Seconds of wall clock and the largest resident set in MB, of one process with its output thrown away. */
function measure(program, args) {
  return new Promise((resolve, reject) => {
    const started = process.hrtime.bigint();
    const child = spawn(program, args, { stdio: 'ignore' });
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, residentMb(child.pid));
    }, 10);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearInterval(watch);
      const seconds = Number(process.hrtime.bigint() - started) / 1e9;
      if (signal !== null || code > 1) reject(new Error(`${program} ended with ${signal ?? code}`));
      else resolve({ seconds, megabytes: peak });
    });
  });
}

/** The kernel keeps the peak itself (VmHWM): a sample that comes late misses nothing. */
function residentMb(pid) {
  try {
    const line = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line === null ? 0 : Number(line[1]) / 1024;
  } catch {
    return 0;
  }
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

const round = (number, places) => Number(number.toFixed(places));
const runs = Number(values.runs);
const wanted = values.only === undefined ? Object.keys(PEERS) : ['leakguard', ...values.only.split(',')];
const peers = Object.keys(PEERS).filter((peer) => wanted.includes(peer) && isInstalled(peer));
const scratch = mkdtempSync(join(tmpdir(), 'leakguard-bench-'));
const result = { runs, missing: Object.keys(PEERS).filter((peer) => !peers.includes(peer)), captures: {} };
try {
  for (const capture of CAPTURES) {
    const file = captureFile(values.cache, capture);
    verify(file, capture);
    const taken = Object.fromEntries(peers.map((peer) => [peer, []]));
    for (let run = 0; run < runs; run += 1) {
      for (const peer of peers) {
        process.stderr.write(`${capture.name} ${run + 1}/${runs} ${peer}\n`);
        taken[peer].push(await measure(...PEERS[peer](file, scratch)));
      }
    }
    const ours = median(taken.leakguard.map(({ seconds }) => seconds));
    const rows = peers.map((peer) => {
      const seconds = median(taken[peer].map((one) => one.seconds));
      const megabytes = Math.max(...taken[peer].map((one) => one.megabytes));
      const [must, aim] = BARS[capture.name]?.[peer] ?? [];
      const bars = must === undefined ? {} : { must, aim };
      return [
        peer,
        {
          seconds: round(seconds, 3),
          megabytes: round(megabytes, 0),
          ratio: round(seconds / ours, 2),
          ...bars,
        },
      ];
    });
    result.captures[capture.name] = { frames: capture.frames, peers: Object.fromEntries(rows) };
  }
} finally {
  rmSync(scratch, { recursive: true });
}
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
