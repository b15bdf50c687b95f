// The checks of this project, their order, and what each needs to run.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readJson } from './machine.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */

/** @typedef {{ readonly passed: number, readonly failed: number, readonly skipped: number }} Tally */

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {readonly string[]} args arguments for this Node; the first is a path in node_modules
 * @property {boolean} [project] true for a vitest project, whose tests are counted one by one
 * @property {boolean} [onTheMachine] true when it creates namespaces or kernel rules, or starts browsers
 * @property {string} [needs] a folder, relative to the top level, without which there is nothing to check
 */

/**
 * @typedef {object} Result
 * @property {string} name
 * @property {boolean} project
 * @property {Tally} tally a check that is not a vitest project counts as one test
 * @property {string} output shown when something failed
 * @property {string} skipped why it did not run; empty when it ran
 */

/** The output of the tools is shown later or written to a log: no colours. */
const PLAIN = { NO_COLOR: '1' };

/**
 * The part of vitest's JSON report that is used.
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
  // The corpus contains captures that others made and that may not be published here.
  ...(name === 'corpus' ? { needs: '../shared/corpus' } : {}),
});

/**
 * All checks, in the order in which they are reported.
 * @type {readonly Check[]}
 */
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
  // Code that only a test uses is dead code, too.
  { name: 'test-only', args: ['knip/bin/knip.js', '--no-progress', '--no-config-hints', '--production'] },
  { name: 'types', args: ['typescript/bin/tsc', '-p', 'tsconfig.json', '--noEmit'] },
  ...['unit', 'property', 'corpus', 'netns', 'browser'].map(project),
];

/**
 * The counts of a vitest report. A file that cannot be loaded counts as one failure, and so does a project in which no test ran.
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
 * Runs a check; never rejects for a failed one. Its output is that of the program, both streams together.
 * @param {Machine} machine
 * @param {Check} check
 * @returns {Promise<Result>}
 */
export async function runCheck({ root, execPath, run }, check) {
  const [program = '', ...args] = check.args;
  const argv = [join(root, 'node_modules', program), ...args];
  const base = { name: check.name, project: check.project === true, skipped: '' };
  if (check.project !== true) {
    // It runs beside the tests that make namespaces, so it runs at the lowest priority.
    const { code, output } = await run('nice', ['-n', '19', execPath, ...argv], { cwd: root, env: PLAIN });
    return { ...base, output, tally: { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 } };
  }
  const folder = mkdtempSync(join(tmpdir(), 'leakguard-test-'));
  try {
    const file = join(folder, 'report.json');
    const reporters = ['--reporter', 'default', '--reporter', 'json', `--outputFile.json=${file}`];
    const { code, output } = await run(execPath, [...argv, ...reporters], { cwd: root, env: PLAIN });
    const counted = existsSync(file) ? tallyOf(readReport(file)) : { passed: 0, failed: 1, skipped: 0 };
    // An unhandled error fails no test, but makes vitest exit with an error.
    const failed = code !== 0 && counted.failed === 0 ? 1 : counted.failed;
    return { ...base, output, tally: { ...counted, failed } };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The result of a check that was not run.
 * @param {Check} check
 * @param {string} why
 * @returns {Result}
 */
export function skip(check, why) {
  const tally = { passed: 0, failed: 0, skipped: 1 };
  return { name: check.name, project: check.project === true, tally, output: '', skipped: why };
}

/**
 * The result for a failure before any check.
 * @param {string} name
 * @param {string} output
 * @returns {Result}
 */
export function failure(name, output) {
  return { name, project: false, tally: { passed: 0, failed: 1, skipped: 0 }, output, skipped: '' };
}

/**
 * The closing lines, without a line feed at the end: a table of the projects' counts, then the totals on the last line.
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
