// `npm start`, `npm test` and `npm run build` on a machine that has only Node and npm. They can be run again at any time: nothing is
// installed or built twice.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { build, isStale } from './build.mjs';
import { CHECKS, failure, runCheck, skip, summary } from './checks.mjs';
import { exitCode, thisMachine } from './machine.mjs';
import { installModules, moduleFault } from './node-modules.mjs';
import { providePackages } from './system-packages.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */
/** @typedef {import('./checks.mjs').Check} Check */
/** @typedef {import('./checks.mjs').Result} Result */
/** @typedef {import('./system-packages.mjs').Provided} Provided */

const LAB_NEEDS = ['run', 'lab'];
const FAILED = 1;
const USAGE = 2;

/**
 * @typedef {object} SetUp
 * @property {Provided} packages
 * @property {string} modules why the node modules could not be installed, without which nothing can run; empty on success
 * @property {string} dist why the build failed; empty on success
 */

/**
 * Installs Debian packages and node modules, and builds dist, in this order.
 * @param {Machine} machine
 * @param {readonly string[]} groups of packages.json
 * @returns {Promise<SetUp>}
 */
async function setUp(machine, groups) {
  const before = await moduleFault(machine);
  const packages = await providePackages(machine, before === undefined ? groups : ['build', ...groups]);
  if (before !== undefined) {
    machine.say(`installing node modules: ${before}`);
    const modules = await installModules(machine);
    if (modules !== '') return { packages, modules, dist: '' };
  }
  if (!isStale(machine.root)) return { packages, modules: '', dist: '' };
  machine.say('building: dist is older than the sources');
  return { packages, modules: '', dist: await build(machine) };
}

/**
 * Why tests that create namespaces cannot run here; empty when they can.
 * @param {Machine} machine
 * @param {Provided} packages
 * @returns {Promise<string>}
 */
async function obstacle(machine, packages) {
  if (!machine.isRoot) return 'creating network namespaces needs root; run `sudo npm test`';
  if (packages.missing.length > 0)
    return `${packages.missing.join(', ')} missing; ${packages.reason.split('\n', 1)[0]}`;
  const { code, output } = await machine.run('unshare', ['--net', '--mount', 'true']);
  return code === 0 ? '' : `network namespaces cannot be created here: ${output.trim()}`;
}

/**
 * `npm test`: runs all checks that can run here.
 * @param {Machine} machine
 * @returns {Promise<number>} exit code
 */
async function test(machine) {
  const { packages, modules, dist } = await setUp(machine, [...LAB_NEEDS, 'test']);
  const results = /** @type {Result[]} */ ([]);
  for (const fault of [packages.failed ? packages.reason : '', modules, dist].filter(
    (words) => words !== '',
  )) {
    machine.say(fault);
    results.push(failure('set-up', fault));
  }
  const blocked = dist === '' ? await obstacle(machine, packages) : 'there is no build';
  const runOne = async (/** @type {Check} */ check) => {
    const why = reasonToSkip(machine, check, { modules, blocked });
    if (why === '') return timed(machine, check);
    machine.say(`${check.name.padEnd(10)}skipped: ${why}`);
    return skip(check, why);
  };
  const isTest = (/** @type {Check} */ { project }) => project === true;
  const computing = CHECKS.filter((check) => isTest(check) && check.onTheMachine !== true);
  const computed = await inLanes(computing, 2, runOne);
  const [fromSources, onTheMachine] = await Promise.all([
    inLanes(
      CHECKS.filter((check) => !isTest(check)),
      1,
      runOne,
    ),
    inLanes(
      CHECKS.filter((check) => check.onTheMachine === true),
      1,
      runOne,
    ),
  ]);
  results.push(...fromSources, ...computed, ...onTheMachine);
  machine.say(`\n${summary(results)}`);
  return results.some(({ tally }) => tally.failed > 0) ? FAILED : 0;
}

/**
 * Runs up to `lanes` checks at a time: most of them use one processor. Checks that only read the sources never wait, so they run beside
 * those that create namespaces, which wait most of the time. The results are in the order of the checks.
 * @param {readonly Check[]} checks
 * @param {number} lanes
 * @param {(check: Check) => Promise<Result>} runOne
 * @returns {Promise<Result[]>}
 */
async function inLanes(checks, lanes, runOne) {
  const results = /** @type {Result[]} */ ([]);
  const waiting = checks.entries();
  const lane = async () => {
    for (const [at, check] of waiting) results[at] = await runOne(check);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

/**
 * Why a check cannot run; empty when it can.
 * @param {Machine} machine
 * @param {Check} check
 * @param {{ modules: string, blocked: string }} problems
 * @returns {string}
 */
function reasonToSkip({ root }, { needs, onTheMachine }, { modules, blocked }) {
  if (modules !== '') return 'there are no node modules';
  if (needs !== undefined && !existsSync(join(root, needs))) return `${needs} is missing`;
  return onTheMachine === true ? blocked : '';
}

/**
 * Runs a check and prints its result and duration, and its output when it failed.
 * @param {Machine} machine
 * @param {Check} check
 * @returns {Promise<Result>}
 */
async function timed(machine, check) {
  const began = performance.now();
  const result = await runCheck(machine, check);
  const { passed, failed } = result.tally;
  const words =
    failed > 0 ? `FAILED${result.project ? ` ${failed}` : ''}` : result.project ? `${passed} passed` : 'ok';
  machine.say(`${check.name.padEnd(10)}${words} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  if (failed > 0) machine.say(result.output);
  return result;
}

/**
 * `npm start`: runs the lab.
 * @param {Machine} machine
 * @returns {Promise<number>} exit code of the lab
 */
async function start(machine) {
  const { packages, modules, dist } = await setUp(machine, LAB_NEEDS);
  const fault = modules || dist;
  if (fault !== '') {
    if (packages.missing.length > 0) machine.say(packages.reason);
    machine.say(fault);
    return FAILED;
  }
  const blocked = await obstacle(machine, packages);
  if (blocked !== '') {
    machine.say(`The lab cannot run: ${blocked.replace('npm test', 'npm start')}`);
    machine.say(
      'You can still run `npm test`, which skips what it cannot run, and `npx leakguard analyze FILE`, which judges a capture.',
    );
    return FAILED;
  }
  return foreground(machine, [join(machine.root, 'dist', 'appliance', 'cli', 'main.js'), 'lab', 'up']);
}

/**
 * Runs Node with the user's terminal and forwards signals to it: the child cleans up.
 * @param {Machine} machine
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
function foreground({ execPath, root }, args) {
  return new Promise((resolve) => {
    const child = spawn(execPath, args, { cwd: root, stdio: 'inherit' });
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
      process.on(signal, () => child.kill(signal));
    }
    child.on('error', (error) => {
      process.stderr.write(`${error.message}\n`);
      resolve(FAILED);
    });
    child.on('close', (code, signal) => resolve(exitCode(code, signal)));
  });
}

/**
 * `npm run build`.
 * @param {Machine} machine
 * @returns {Promise<number>} exit code
 */
async function rebuild(machine) {
  const fault = await build(machine);
  if (fault !== '') machine.say(fault);
  return fault === '' ? 0 : FAILED;
}

/** @type {Readonly<Record<string, (machine: Machine) => Promise<number>>>} */
const TASKS = { start, test, build: rebuild };

const task = TASKS[process.argv[2] ?? ''];
if (task === undefined) {
  process.stderr.write('usage: node appliance/provision/run.mjs start|test|build\n');
  process.exitCode = USAGE;
} else {
  process.exitCode = await task(thisMachine(join(import.meta.dirname, '..', '..')));
}
