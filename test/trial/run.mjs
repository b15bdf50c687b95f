// What a newcomer does: a fresh Debian with Node and npm, a clean clone, `npm test`, `npm start`. `npm run trial -- trixie bookworm
// [--fresh]`, as root. Trees are cached under ~/.cache/leakguard-trial; what the set-up installs goes into a copy. Debian 13 brings its own
// Node; Debian 12's is too old, so the one that runs this is copied in.

import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { exitCode, run } from '../../appliance/provision/machine.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'leakguard-trial');
const CHECKOUT = '/root/leakguard';
const PAGE = 'http://127.0.0.1:8080/';
const PAGE_WITHIN_MS = 120_000;

/** Suite → what of Node its own archive has. */
const SUITES = /** @type {Readonly<Record<string, readonly string[]>>} */ ({
  trixie: ['nodejs', 'npm'],
  bookworm: [],
});

/** What this machine says about how the archives are reached. */
const REACH = [
  '/etc/apt/apt.conf.d',
  '/etc/hosts',
  '/etc/resolv.conf',
  '/etc/npmrc',
  '/etc/ssl/certs/ca-certificates.crt',
  '/usr/local/share/ca-certificates',
];
const REACH_ENV = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'http_proxy', 'https_proxy', 'no_proxy'];

const say = (/** @type {string} */ line) => process.stdout.write(`== ${line}\n`);

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
async function must(command, args) {
  const { code, output } = await run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${output}`);
}

/**
 * This machine's archive lines, for another release.
 * @param {string} suite
 * @returns {string}
 */
function sourcesOf(suite) {
  const folder = '/etc/apt/sources.list.d';
  const debian = readdirSync(folder).find((name) => name === 'debian.sources');
  if (debian === undefined)
    throw new Error(`${folder}/debian.sources is not there to learn the archive from`);
  return readFileSync(join(folder, debian), 'utf8').replaceAll(/\b(?:bookworm|trixie)\b/g, suite);
}

/**
 * The minimal tree of a suite, made once.
 * @param {string} suite
 * @param {boolean} fresh
 * @returns {Promise<string>} path of the tar file
 */
async function treeTar(suite, fresh) {
  const tar = join(CACHE, `${suite}.tar`);
  if (existsSync(tar) && !fresh) return tar;
  mkdirSync(CACHE, { recursive: true });
  const sources = join(CACHE, `${suite}.sources`);
  writeFileSync(sources, sourcesOf(suite));
  say(`${suite}: making a minimal tree`);
  const include = ['ca-certificates', ...(SUITES[suite] ?? [])].join(',');
  const plain = ['--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Check-Valid-Until "false"'];
  await must('mmdebstrap', [
    '--mode=root',
    '--variant=minbase',
    ...plain,
    `--include=${include}`,
    suite,
    tar,
    sources,
  ]);
  return tar;
}

/**
 * Node as it stands beside this process: program, headers and npm.
 * @param {string} tree
 */
function copyNode(tree) {
  const prefix = dirname(dirname(process.execPath));
  for (const path of ['bin/node', 'bin/npm', 'bin/npx', 'lib/node_modules/npm', 'include/node'])
    cpSync(join(prefix, path), join(tree, prefix, path), { recursive: true, verbatimSymlinks: true });
}

/**
 * @param {string} suite
 * @param {string} tar
 * @param {string} tree
 */
async function furnish(suite, tar, tree) {
  await must('tar', ['--extract', '--file', tar, '--directory', tree, '--exclude=./dev/*']);
  if (SUITES[suite]?.length === 0) copyNode(tree);
  for (const path of REACH.filter((path) => existsSync(path)))
    cpSync(path, join(tree, path), { recursive: true, dereference: true });
  const npmrc = join(homedir(), '.npmrc');
  if (existsSync(npmrc)) {
    // Where the headers are is for the set-up to find out.
    const lines = readFileSync(npmrc, 'utf8')
      .split('\n')
      .filter((line) => !line.startsWith('nodedir'));
    writeFileSync(join(tree, 'root', '.npmrc'), lines.join('\n'));
  }
  await must('git', ['clone', '--quiet', '--no-local', ROOT, join(tree, CHECKOUT)]);
}

/**
 * Arguments of `unshare` that run a command in the tree; everything it started ends with it.
 * @param {string} tree
 * @param {readonly string[]} namespaces beyond those of mounts and processes
 * @param {readonly string[]} command
 * @returns {string[]}
 */
function inTree(tree, namespaces, command) {
  const env = REACH_ENV.flatMap((name) =>
    process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`],
  );
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const clean = [
    'env',
    '--ignore-environment',
    `--chdir=${CHECKOUT}`,
    'HOME=/root',
    'LANG=C.UTF-8',
    path,
    ...env,
  ];
  const own = ['--mount', '--pid', '--fork', '--kill-child', ...namespaces];
  return [...own, join(import.meta.dirname, 'inside.sh'), tree, ...clean, ...command];
}

/**
 * @param {readonly string[]} args of unshare
 * @returns {Promise<number>}
 */
function show(args) {
  return new Promise((resolve) => {
    const child = spawn('unshare', args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('close', (code, signal) => resolve(exitCode(code, signal)));
  });
}

/**
 * `npm start` without any network but its own, until its page answers; then Ctrl-C.
 * @param {string} tree
 * @returns {Promise<string>} what was wrong; empty when nothing was
 */
async function start(tree) {
  const script = join(CHECKOUT, 'test', 'trial', 'start.sh');
  const within = String(PAGE_WITHIN_MS / 1000);
  const code = await show(inTree(tree, ['--net'], ['bash', script, PAGE, within]));
  return code === 0 ? '' : `npm start: exit code ${code}`;
}

/**
 * @param {string} suite
 * @param {boolean} fresh
 * @returns {Promise<string[]>} what was wrong
 */
async function trial(suite, fresh) {
  const tar = await treeTar(suite, fresh);
  const tree = mkdtempSync(join(tmpdir(), `leakguard-trial-${suite}-`));
  try {
    await furnish(suite, tar, tree);
    say(`${suite}: npm test`);
    const code = await show(inTree(tree, [], ['npm', 'test']));
    say(`${suite}: npm start`);
    const faults = [code === 0 ? '' : `npm test: exit code ${code}`, await start(tree)];
    return faults.filter((fault) => fault !== '').map((fault) => `${suite}: ${fault}`);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

const fresh = process.argv.includes('--fresh');
const asked = process.argv.slice(2).filter((arg) => arg in SUITES);
const faults = /** @type {string[]} */ ([]);
for (const suite of asked.length > 0 ? asked : Object.keys(SUITES))
  faults.push(...(await trial(suite, fresh)));
say(faults.length === 0 ? 'fresh machines: all well' : faults.join('\n== '));
process.exitCode = faults.length === 0 ? 0 : 1;
