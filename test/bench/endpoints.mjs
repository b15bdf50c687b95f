// What twenty thousand tunnel endpoints cost: time to apply, and frames per second through the bridge. Peers in one run, alternating: 1
// endpoint, 20,000 with a range of ports, no rules at all. `applyMs` is `nft -f` of the whole, `changeMs` of another state of the same
// policy once the kernel was found to have the first, `floorMs` of the addresses alone in one set: less no ruleset with them can take.
// `listMs` is what reading back takes. Run as root: node test/bench/endpoints.mjs (after npm run build). Prints one JSON object.

import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The compiled module: what is measured is what is shipped. @param {string} name */
const built = (name) => import(new URL(`../../dist/src/policy/${name}.js`, import.meta.url).href);
const { rulesetOf } = await built('compile/nft');
const { GivenTable } = await built('compile/nft-change');
const { rulesetText } = await built('compile/nft-model');
const { parsePolicy } = await built('schema/schema');

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
function policyWith(endpoints) {
  const ports = endpoints === 1 ? '51820' : '4000-65000';
  const texts = [`"udp:198.51.100.7:${ports}"`];
  for (let n = 1; n < endpoints; n += 1)
    texts.push(`"udp:10.${String(n >> 8)}.${String(n & 255)}.1:${ports}"`);
  const parsed = parsePolicy(
    `version: 1\nprofile: full-tunnel\ntunnels:\n  - {name: many, protocol: wireguard, endpoints: [${texts.join(', ')}]}\n`,
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.policy;
}

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** @param {() => unknown} task */
function timed(task) {
  const began = performance.now();
  task();
  return performance.now() - began;
}

const ADDRESSES = Array.from({ length: 20_000 }, (_, n) => String(0x0a000001 + 256 * n)).join(', ');
const FLOOR = `table bridge floor {\n set s { typeof @nh,128,32; elements = { ${ADDRESSES} }\n }\n}\n`;

function measure() {
  const policies = { none: undefined, one: policyWith(1), twentyThousand: policyWith(20_000) };
  /** @type {Record<string, Record<string, number[]>>} */
  const results = {};
  /** @param {string} name @param {string} what @param {number} value */
  const note = (name, what, value) => ((results[name] ??= {})[what] ??= []).push(value);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, policy] of Object.entries(policies)) {
      within(box, ['nft', 'flush', 'ruleset']);
      if (policy !== undefined) {
        const ruleset = rulesetOf(policy, { blockMode: true });
        let whole = '';
        note(
          name,
          'compileMs',
          timed(() => (whole = rulesetText(rulesetOf(policy, { blockMode: true })))),
        );
        note(
          name,
          'applyMs',
          timed(() => within(box, ['nft', '-f', '-'], whole)),
        );
        const given = GivenTable.of(ruleset, 0);
        note(
          name,
          'changeMs',
          timed(() => {
            const change = given.changeTo(rulesetOf(policy, { blockMode: false }), 0);
            within(box, ['nft', '-f', '-'], change?.text);
          }),
        );
        note(
          name,
          'listMs',
          timed(() => within(box, ['nft', '-j', 'list', 'table', 'bridge', 'leakguard'])),
        );
        within(box, ['nft', '-f', '-'], whole);
      } else {
        note(
          name,
          'floorMs',
          timed(() => within(box, ['nft', '-f', '-'], FLOOR)),
        );
      }
      const ms = Number(within(laptop, [process.execPath, SENDER, 'eth0', String(FRAMES), '1']));
      note(name, 'framesPerSecond', (FRAMES / ms) * 1000);
      process.stderr.write(`round ${String(round + 1)} of ${String(ROUNDS)}: ${name}\n`);
    }
  }
  return Object.fromEntries(
    Object.entries(results).map(([name, values]) => [
      name,
      Object.fromEntries(Object.entries(values).map(([what, list]) => [what, Math.round(median(list))])),
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
  const { one, twentyThousand, none } = medians;
  const ratio = (twentyThousand?.['framesPerSecond'] ?? NaN) / (one?.['framesPerSecond'] ?? NaN);
  const bare = (one?.['framesPerSecond'] ?? NaN) / (none?.['framesPerSecond'] ?? NaN);
  const load = loadavg().map((value) => Math.round(value * 10) / 10);
  process.stdout.write(
    `${JSON.stringify({ medians, twentyThousandToOne: ratio, oneToBareBridge: bare, load })}\n`,
  );
} finally {
  for (const space of spaces) spawnSync('ip', ['netns', 'del', space]);
}
