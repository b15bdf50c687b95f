// Knows: the checks of this project, their order, and what each needs to run. Must not know: how the needed things come.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readJson } from './machine.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */

/** @typedef {{ readonly passed: number, readonly failed: number, readonly skipped: number }} Tally */

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {readonly string[]} args what this Node is run with
 * @property {boolean} [project] true for a vitest project, whose tests are counted one by one
 * @property {boolean} [onTheMachine] true when it makes namespaces, kernel rules and browsers
 * @property {string} [needs] a folder, from the top level, without which there is nothing to check
 */

/**
 * @typedef {object} Result
 * @property {string} name
 * @property {boolean} project
 * @property {Tally} tally a check without tests of its own counts as one
 * @property {string} output shown when something failed
 * @property {string} skipped why it did not run; empty when it did
 */

/** What the tools say is shown later or kept in a log: no colours. */
const PLAIN = { NO_COLOR: '1' };

/**
 * What is read of vitest's JSON.
 * @typedef {object} VitestReport
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {readonly { readonly status: string, readonly assertionResults: readonly unknown[] }[]} testResults
 */

/** @type {(name: string) => Check} */
const project = (name) => ({
  name,
  project: true,
  onTheMachine: name === 'netns' || name === 'browser',
  args: ['vitest/vitest.mjs', 'run', '--project', name],
  // Captures of other people's making are not ours to publish.
  ...(name === 'corpus' ? { needs: '../shared/corpus' } : {}),
});

/** @type {readonly Check[]} */
export const CHECKS = [
  { name: 'format', args: ['prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'] },
  { name: 'lint', args: ['eslint/bin/eslint.js', '--max-warnings', '0', '.'] },
  {
    name: 'imports',
    args: ['dependency-cruiser/bin/dependency-cruise.mjs', '--config', '.dependency-cruiser.cjs'].concat([
      'src',
      'appliance',
      'web',
      'test',
    ]),
  },
  { name: 'dead', args: ['knip/bin/knip.js', '--no-progress', '--no-config-hints'] },
  // What only a test reaches is dead too.
  { name: 'test-only', args: ['knip/bin/knip.js', '--no-progress', '--no-config-hints', '--production'] },
  { name: 'types', args: ['typescript/bin/tsc', '-p', 'tsconfig.json', '--noEmit'] },
  ...['unit', 'property', 'corpus', 'netns', 'browser'].map(project),
];

/**
 * What vitest counted. A file that cannot be loaded holds no test, and is a failure all the same; a project in
 * which nothing ran is one too.
 * @param {VitestReport} report
 * @returns {Tally}
 */
export function tallyOf(report) {
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  ).length;
  const passed = report.numPassedTests;
  const failed = report.numFailedTests + broken;
  const ran = passed + failed > 0;
  return { passed, failed: ran ? failed : 1, skipped: report.numPendingTests + report.numTodoTests };
}

/**
 * @param {string} file
 * @returns {VitestReport}
 */
const readReport = (file) => /** @type {VitestReport} */ (readJson(file));

/**
 * @param {Machine} machine
 * @param {Check} check
 * @returns {Promise<Result>}
 */
export async function runCheck({ root, execPath, run }, check) {
  const [program = '', ...args] = check.args;
  const argv = [join(root, 'node_modules', program), ...args];
  const base = { name: check.name, project: check.project === true, skipped: '' };
  if (check.project !== true) {
    // It runs beside what makes namespaces, and takes what that leaves of the processors.
    const { code, output } = await run('nice', ['-n', '19', execPath, ...argv], { cwd: root, env: PLAIN });
    return { ...base, output, tally: { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 } };
  }
  const folder = mkdtempSync(join(tmpdir(), 'leakguard-test-'));
  try {
    const file = join(folder, 'report.json');
    const reporters = ['--reporter', 'default', '--reporter', 'json', `--outputFile.json=${file}`];
    const { code, output } = await run(execPath, [...argv, ...reporters], { cwd: root, env: PLAIN });
    const counted = existsSync(file) ? tallyOf(readReport(file)) : { passed: 0, failed: 1, skipped: 0 };
    // Unhandled errors fail no test, and still make vitest end badly.
    const failed = code !== 0 && counted.failed === 0 ? 1 : counted.failed;
    return { ...base, output, tally: { ...counted, failed } };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {Check} check
 * @param {string} why
 * @returns {Result}
 */
export function skip(check, why) {
  const tally = { passed: 0, failed: 0, skipped: 1 };
  return { name: check.name, project: check.project === true, tally, output: '', skipped: why };
}

/**
 * Something that went wrong before any check.
 * @param {string} name
 * @param {string} output
 * @returns {Result}
 */
export function failure(name, output) {
  return { name, project: false, tally: { passed: 0, failed: 1, skipped: 0 }, output, skipped: '' };
}

/**
 * The closing lines: how many tests each project ran, then the sum alone on the last line.
 * @param {readonly Result[]} results
 * @returns {string}
 */
export function summary(results) {
  const sum = (/** @type {keyof Tally} */ key) => results.reduce((total, { tally }) => total + tally[key], 0);
  const row = (/** @type {readonly (string | number)[]} */ [name = '', ...cells]) =>
    `  ${String(name).padEnd(10)}${cells.map((cell) => String(cell).padStart(9)).join('')}`;
  const rows = results
    .filter((result) => result.project)
    .map(({ name, tally, skipped }) =>
      skipped === ''
        ? row([name, tally.passed, tally.failed, tally.skipped])
        : `${row([name])} skipped: ${skipped}`,
    );
  const total = `${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`;
  return [row(['tests', 'passed', 'failed', 'skipped']), ...rows, '', total].join('\n');
}
