// Knows: the order of things in `npm start` and `npm test` on a machine with Node and npm only. Must not know: how each is done.
// Both can be run again at any time: what is there is left as it is.

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
 * @property {string} modules why node modules are not there, and so nothing can run; empty when they are
 * @property {string} dist why there is no build of these sources; empty when there is
 */

/**
 * Packages, modules and dist, in this order.
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
 * Why tests that make namespaces cannot run here; empty when they can.
 * @param {Machine} machine
 * @param {Provided} packages
 * @returns {Promise<string>}
 */
async function obstacle(machine, packages) {
  if (!machine.isRoot) return 'making network namespaces needs root; run `sudo npm test`';
  if (packages.missing.length > 0)
    return `${packages.missing.join(', ')} missing; ${packages.reason.split('\n', 1)[0]}`;
  const { code, output } = await machine.run('unshare', ['--net', '--mount', 'true']);
  return code === 0 ? '' : `network namespaces cannot be made here: ${output.trim()}`;
}

/**
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
  const stuck = dist === '' ? await obstacle(machine, packages) : 'there is no build';
  const one = async (/** @type {Check} */ check) => {
    const why = reasonNotTo(machine, check, { modules, stuck });
    if (why === '') return timed(machine, check);
    machine.say(`${check.name.padEnd(10)}skipped: ${why}`);
    return skip(check, why);
  };
  const isTest = (/** @type {Check} */ { project }) => project === true;
  const computing = CHECKS.filter((check) => isTest(check) && check.onTheMachine !== true);
  const computed = await inLanes(computing, 2, one);
  const [read, ran] = await Promise.all([
    inLanes(
      CHECKS.filter((check) => !isTest(check)),
      1,
      one,
    ),
    inLanes(
      CHECKS.filter(({ onTheMachine }) => onTheMachine === true),
      1,
      one,
    ),
  ]);
  results.push(...read, ...computed, ...ran);
  machine.say(`\n${summary(results)}`);
  return results.some(({ tally }) => tally.failed > 0) ? FAILED : 0;
}

/**
 * So many checks at a time: most of them use one processor. Those that read the sources alone wait for nothing, so they run beside those
 * that make namespaces, which wait most of the time. The results are in the order of the checks.
 * @param {readonly Check[]} checks
 * @param {number} lanes
 * @param {(check: Check) => Promise<Result>} one
 * @returns {Promise<Result[]>}
 */
async function inLanes(checks, lanes, one) {
  const results = /** @type {Result[]} */ ([]);
  const waiting = checks.entries();
  const lane = async () => {
    for (const [at, check] of waiting) results[at] = await one(check);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

/**
 * Why a check cannot run; empty when it can.
 * @param {Machine} machine
 * @param {Check} check
 * @param {{ modules: string, stuck: string }} lacking
 * @returns {string}
 */
function reasonNotTo({ root }, { needs, onTheMachine }, { modules, stuck }) {
  if (modules !== '') return 'there are no node modules';
  if (needs !== undefined && !existsSync(join(root, needs))) return `${needs} is not there`;
  return onTheMachine === true ? stuck : '';
}

/**
 * One check, with a line that says how it went and how long it took, and its output when it went badly.
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
  const stuck = await obstacle(machine, packages);
  if (stuck !== '') {
    machine.say(`The lab cannot run: ${stuck.replace('npm test', 'npm start')}`);
    machine.say(
      'What needs no root is there: `npm test` runs what it can, `npx leakguard analyze FILE` judges a capture.',
    );
    return FAILED;
  }
  return foreground(machine, [join(machine.root, 'dist', 'appliance', 'cli', 'main.js'), 'lab', 'up']);
}

/**
 * Runs Node with the person's own terminal, and hands every wish to stop on: it is the child that cleans up.
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
 * @param {Machine} machine
 * @returns {Promise<number>} exit code
 */
async function buildAnew(machine) {
  const fault = await build(machine);
  if (fault !== '') machine.say(fault);
  return fault === '' ? 0 : FAILED;
}

/** @type {Readonly<Record<string, (machine: Machine) => Promise<number>>>} */
const TASKS = { start, test, build: buildAnew };

const task = TASKS[process.argv[2] ?? ''];
if (task === undefined) {
  process.stderr.write('usage: node appliance/provision/run.mjs start|test|build\n');
  process.exitCode = USAGE;
} else {
  process.exitCode = await task(thisMachine(join(import.meta.dirname, '..', '..')));
}
