// Knows: what ten thousand tunnel endpoints cost: time to apply, and frames per second through the bridge.
// Must not know: what the rules say. Peers in one run, alternating: 10 endpoints, 10,000 endpoints, no rules at all.
// Run as root: node test/bench/endpoints.mjs (after npm run build). Prints one JSON object.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The compiled module: what is measured is what is shipped. @param {string} name */
const built = (name) => import(new URL(`../../dist/src/policy/${name}.js`, import.meta.url).href);
const { compileRuleset } = await built('nft');
const { parsePolicy } = await built('schema');

const SENDER = fileURLToPath(new URL('../netns/tunnel-sender.mjs', import.meta.url));
const FRAMES = 200_000;
const ROUNDS = 5;
const id = `lgb${String(process.pid)}`;
const spaces = ['l', 'b', 'u'].map((end) => `${id}${end}`);
const [laptop = '', box = '', uplink = ''] = spaces;

/** @param {string} command @param {string[]} args @param {string} [input] */
function must(command, args, input = '') {
  const { status, stdout, stderr } = spawnSync(command, args, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** @param {string} space @param {string[]} command @param {string} [input] */
const within = (space, command, input) => must('ip', ['netns', 'exec', space, ...command], input);

/** @param {number} endpoints */
function rulesetOf(endpoints) {
  const texts = ['"udp:198.51.100.7:51820"'];
  for (let n = 1; n < endpoints; n += 1) texts.push(`"udp:10.${String(n >> 8)}.${String(n & 255)}.1:51820"`);
  const parsed = parsePolicy(
    `version: 1\nprofile: full-tunnel\ntunnels:\n  - {name: many, protocol: wireguard, endpoints: [${texts.join(', ')}]}\n`,
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return compileRuleset(parsed.policy, { blockMode: true });
}

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

function measure() {
  const variants = { none: '', ten: rulesetOf(10), tenThousand: rulesetOf(10_000) };
  /** @type {Record<string, { applyMs: number[], framesPerSecond: number[] }>} */
  const results = {};
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, ruleset] of Object.entries(variants)) {
      const result = (results[name] ??= { applyMs: [], framesPerSecond: [] });
      if (ruleset === '') {
        within(box, ['nft', 'flush', 'ruleset']);
      } else {
        const began = performance.now();
        within(box, ['nft', '-f', '-'], ruleset);
        result.applyMs.push(performance.now() - began);
      }
      const ms = Number(within(laptop, [process.execPath, SENDER, 'eth0', String(FRAMES), '1']));
      result.framesPerSecond.push((FRAMES / ms) * 1000);
      process.stderr.write(`round ${String(round + 1)} of ${String(ROUNDS)}: ${name}\n`);
    }
  }
  return Object.fromEntries(
    Object.entries(results).map(([name, { applyMs, framesPerSecond }]) => [
      name,
      { applyMs: median(applyMs), framesPerSecond: Math.round(median(framesPerSecond)) },
    ]),
  );
}

try {
  for (const space of spaces) must('ip', ['netns', 'add', space]);
  for (const [space, port] of [
    [laptop, 'lan0'],
    [uplink, 'wan0'],
  ]) {
    must('ip', [
      '-n',
      space ?? '',
      'link',
      'add',
      'eth0',
      'type',
      'veth',
      'peer',
      'name',
      port ?? '',
      'netns',
      box,
    ]);
    must('ip', ['-n', space ?? '', 'link', 'set', 'eth0', 'up']);
  }
  must('ip', ['-n', box, 'link', 'add', 'br0', 'type', 'bridge', 'stp_state', '0', 'mcast_snooping', '0']);
  for (const port of ['lan0', 'wan0']) must('ip', ['-n', box, 'link', 'set', port, 'master', 'br0', 'up']);
  must('ip', ['-n', box, 'link', 'set', 'br0', 'up']);
  const medians = measure();
  const { ten, tenThousand, none } = medians;
  const ratio = (tenThousand?.framesPerSecond ?? Number.NaN) / (ten?.framesPerSecond ?? Number.NaN);
  const bare = (ten?.framesPerSecond ?? Number.NaN) / (none?.framesPerSecond ?? Number.NaN);
  process.stdout.write(`${JSON.stringify({ medians, tenThousandToTen: ratio, tenToBareBridge: bare })}\n`);
} finally {
  for (const space of spaces) spawnSync('ip', ['netns', 'del', space]);
}
