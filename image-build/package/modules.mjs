// Knows: which node modules a box needs, and which of their files. Must not know: how they are compiled or packed.
// What is only needed to compile others, and what is only read by people, stays behind; licences are gathered elsewhere.

import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {string} [license]
 * @property {Readonly<Record<string, string>>} [dependencies]
 */

/** @typedef {Readonly<Record<string, LockedPackage>>} LockedPackages `packages` of package-lock.json */

/** Modules that others name as dependencies and need only while they are compiled or installed. */
const BUILD_ONLY = ['nan', 'prebuild-install'];

/** Modules that are compiled, and the file each is compiled to, from its own folder. */
export const NATIVE = /** @type {Readonly<Record<string, string>>} */ ({
  'better-sqlite3': 'build/Release/better_sqlite3.node',
  cap: 'build/Release/cap.node',
  epoll: 'build/Release/epoll.node',
  'packet-ring': 'build/Release/packet_ring.node',
});

const NEEDED = ['.js', '.cjs', '.mjs', '.json', '.csv', '.ejs'];
/** Folders of sources, tests and examples; none of our modules loads anything from them. */
const IDLE_FOLDERS = [
  'test',
  'tests',
  '__tests__',
  'example',
  'examples',
  'benchmark',
  'benchmarks',
  'docs',
  'deps',
  'build',
];
/** Tables that hold what another table of the same package holds. */
const DOUBLED = /-num\.csv$/;

/**
 * Where the module that `from` calls `name` is, as Node looks for it; undefined when it is not locked.
 * @param {LockedPackages} locked
 * @param {string} from path of the module that asks, empty for the project
 * @param {string} name
 * @returns {string | undefined}
 */
function resolve(locked, from, name) {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder === '.' ? '' : folder, 'node_modules', name);
    if (path in locked) return path;
    if (folder === '' || folder === '.') return undefined;
  }
}

/**
 * Modules, and what these ask for, and so on.
 * @param {LockedPackages} locked
 * @param {string} asker path of the module that asks, empty for the project
 * @param {readonly string[]} names what it asks for
 * @param {readonly string[]} [without] names that nobody gets
 * @returns {string[]} paths from the top level, sorted
 */
export function modulesFor(locked, asker, names, without = []) {
  const found = new Set(/** @type {string[]} */ ([]));
  const visit = (/** @type {string} */ from, /** @type {readonly string[]} */ wanted) => {
    for (const name of wanted.filter((each) => !without.includes(each))) {
      const path = resolve(locked, from, name);
      if (path === undefined) throw new Error(`package-lock.json does not say where ${from} finds ${name}`);
      if (found.has(path)) continue;
      found.add(path);
      visit(path, Object.keys(locked[path]?.dependencies ?? {}));
    }
  };
  visit(asker, names);
  return [...found].sort();
}

/**
 * The modules that run on a box.
 * @param {LockedPackages} locked
 * @returns {string[]} paths from the top level, sorted
 */
export function runtimeModules(locked) {
  return modulesFor(locked, '', Object.keys(locked['']?.dependencies ?? {}), BUILD_ONLY);
}

/**
 * Whether a file of a module is one that a box reads.
 * @param {string} path from the module's own folder
 * @returns {boolean}
 */
export function isNeeded(path) {
  const folders = path.split('/');
  const name = folders.pop() ?? '';
  if (name.startsWith('.') || DOUBLED.test(name)) return false;
  if (folders.some((folder) => folder.startsWith('.') || IDLE_FOLDERS.includes(folder))) return false;
  return NEEDED.includes(extname(name)) && !/\.(?:test|spec|min)\.[cm]?js$/.test(name);
}

/**
 * Copies what a box reads of one module; modules of its own are copied in their turn.
 * @param {string} from
 * @param {string} to
 * @param {string} [folder] below `from`
 */
export function copyModule(from, to, folder = '') {
  for (const entry of readdirSync(join(from, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules') copyModule(from, to, path);
    } else if (isNeeded(path)) {
      mkdirSync(join(to, folder), { recursive: true });
      copyFileSync(join(from, path), join(to, path));
    }
  }
}
