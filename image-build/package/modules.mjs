// Selects the node modules and files that a box needs. Files that are needed only for compiling or that only people read are left out;
// licences are collected in tree.mjs.

import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {string} [license]
 * @property {Readonly<Record<string, string>>} [dependencies]
 */

/** @typedef {Readonly<Record<string, LockedPackage>>} LockedPackages `packages` of package-lock.json */

/** Modules that others list as dependencies but need only while they are compiled or installed. */
const BUILD_ONLY = ['nan', 'prebuild-install'];

/** Native modules → the compiled file, relative to the module's folder. */
export const NATIVE = /** @type {Readonly<Record<string, string>>} */ ({
  'better-sqlite3': 'build/Release/better_sqlite3.node',
  cap: 'build/Release/cap.node',
  epoll: 'build/Release/epoll.node',
  'packet-ring': 'build/Release/packet_ring.node',
});

const NEEDED = ['.js', '.cjs', '.mjs', '.json', '.csv', '.ejs'];
/** Folders of sources, tests and examples, from which none of the modules loads anything at run time. */
const UNUSED_FOLDERS = [
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
/** Tables whose data is also in another table of the same package. */
const DUPLICATES = /-num\.csv$/;

/**
 * The path of the module that `from` imports as `name`, by Node's search; undefined when it is not in the lock file.
 * @param {LockedPackages} locked
 * @param {string} from path of the importing module, empty for the project
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
 * Modules with all their dependencies. Throws Error when one is missing in the lock file.
 * @param {LockedPackages} locked
 * @param {string} importer path of the importing module, empty for the project
 * @param {readonly string[]} names modules that it imports
 * @param {readonly string[]} [without] modules to leave out
 * @returns {string[]} paths from the top level, sorted
 */
export function modulesFor(locked, importer, names, without = []) {
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
  visit(importer, names);
  return [...found].sort();
}

/**
 * The modules that a box needs: the project's dependencies without those that only building needs. Throws as `modulesFor` does.
 * @param {LockedPackages} locked
 * @returns {string[]} paths from the top level, sorted
 */
export function runtimeModules(locked) {
  return modulesFor(locked, '', Object.keys(locked['']?.dependencies ?? {}), BUILD_ONLY);
}

/**
 * Whether a box needs a file of a module.
 * @param {string} path relative to the module's folder
 * @returns {boolean}
 */
export function isNeeded(path) {
  const folders = path.split('/');
  const name = folders.pop() ?? '';
  if (name.startsWith('.') || DUPLICATES.test(name)) return false;
  if (folders.some((folder) => folder.startsWith('.') || UNUSED_FOLDERS.includes(folder))) return false;
  return NEEDED.includes(extname(name)) && !/\.(?:test|spec|min)\.[cm]?js$/.test(name);
}

/**
 * Copies the files of one module that a box needs; modules nested in it are copied separately. Throws file system errors.
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
