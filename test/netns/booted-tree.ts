// How a test gets a booted Debian with the package's files, users and units, and what root's files in it are. This machine's own system is
// started a second time in namespaces of its own, systemd as process 1, over a copy that is kept in memory (booted-tree.sh); the dpkg,
// systemd and kernel that decide are the real ones.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { must, type Outcome, run, Running } from '../../appliance/lab/processes/process.ts';
import { compileClosedRuleset } from '../../src/policy/compile/nft.ts';
import { ROOT } from '../architecture/tree.ts';

const HOME = 'usr/lib/leakguard';
const UNITS = 'usr/lib/systemd/system';
/** The daemon's program on a box. */
export const DAEMON = `${HOME}/dist/appliance/daemon/main.js`;
const PROGRAMS = {
  'usr/bin/leakguard': 'cli',
  'usr/sbin/leakguardd': 'daemon',
} as const;
/** Where the daemon, a log or the system itself may write while nobody installs anything. */
const OTHERS =
  /^(?:var\/lib\/leakguard(?:-web)?|etc\/leakguard|var\/log|var\/lib\/systemd|opt|old|run|tmp|dev)(?:\/|$)/;

/**
 * The package as image-build/package/tree.mjs lays it out, of what `npm run build` made; modules are this checkout's. `daemon` is
 * what its daemon does instead. Gives the path of the .deb.
 */
export async function packageOf(folder: string, version: string, daemon?: string): Promise<string> {
  const tree = mkdtempSync(join(folder, 'package-'));
  const put = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text, { mode });
  };
  put(`${HOME}/package.json`, JSON.stringify({ name: 'leakguard', version, type: 'module' }));
  cpSync(join(ROOT, 'dist'), join(tree, HOME, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'systemd/machine'), join(tree, HOME, 'systemd/machine'), { recursive: true });
  symlinkSync('/opt/checkout/node_modules', join(tree, HOME, 'node_modules'));
  if (daemon !== undefined) put(DAEMON, daemon);
  put(`${HOME}/closed.nft`, `${compileClosedRuleset()}\ninclude "/var/lib/leakguard/[b]oot.nft"\n`);
  for (const [path, name] of Object.entries(PROGRAMS))
    put(path, `#!/bin/sh\nexec /usr/bin/node /${HOME}/dist/appliance/${name}/main.js "$@"\n`, 0o755);
  for (const name of readdirSync(join(ROOT, 'systemd')).filter((file) =>
    /\.(?:service|path|socket)$/.test(file),
  ))
    put(`${UNITS}/${name}`, readFileSync(join(ROOT, 'systemd', name), 'utf8'));
  put('usr/lib/sysusers.d/leakguard.conf', readFileSync(join(ROOT, 'systemd/leakguard.sysusers'), 'utf8'));
  for (const name of ['etc/leakguard', 'etc/leakguard-update', 'var/lib/leakguard-update'])
    mkdirSync(join(tree, name), { recursive: true });
  put(
    'DEBIAN/control',
    `Package: leakguard\nVersion: ${version}\nArchitecture: all\nMaintainer: Test <test@test.invalid>\nDescription: test\n`,
  );
  for (const name of ['postinst', 'prerm', 'postrm'])
    put(`DEBIAN/${name}`, readFileSync(join(ROOT, 'image-build/package/debian', name), 'utf8'), 0o755);
  const deb = join(folder, `leakguard_${version}.deb`);
  await must(['dpkg-deb', '--root-owner-group', '-Zgzip', '-z1', '--build', tree, deb]);
  rmSync(tree, { recursive: true });
  return deb;
}

export class BootedTree {
  readonly #folder: string;
  readonly #group: string;
  readonly #outer: Running;
  readonly #pid: number;

  private constructor(folder: string, group: string, outer: Running, pid: number) {
    this.#folder = folder;
    this.#group = group;
    this.#outer = outer;
    this.#pid = pid;
  }

  /** Resolves when systemd has reached basic.target. */
  static async boot(): Promise<BootedTree> {
    const folder = mkdtempSync(join(tmpdir(), 'leakguard-booted-'));
    const group = await controlGroup(folder);
    const modules = join(ROOT, 'node_modules');
    const apart = ['--mount', '--pid', '--fork', '--kill-child', '--uts', '--ipc', '--net', '--cgroup'];
    const inside = ['bash', join(import.meta.dirname, 'booted-tree.sh'), folder, modules, process.execPath];
    const script = 'echo $$ >"$0/cgroup.procs" && exec unshare "$@"';
    const outer = await Running.start(['sh', '-c', script, group, ...apart, ...inside]);
    const pid = await until('systemd has a process', () => {
      const said = readFileSync(
        `/proc/${String(outer.pid)}/task/${String(outer.pid)}/children`,
        'latin1',
      ).trim();
      const child = Number(said.split(' ')[0]);
      const name = child > 0 ? readFileSync(`/proc/${String(child)}/comm`, 'latin1').trim() : '';
      return name === 'systemd' ? child : undefined;
    });
    const tree = new BootedTree(folder, group, outer, pid);
    await tree.until('systemctl is-active basic.target');
    return tree;
  }

  /** As root of the booted system. */
  sh(script: string): Promise<Outcome> {
    return run(['nsenter', '--all', '--target', String(this.#pid), 'bash', '--norc', '-c', script], {
      timeoutMs: 600_000,
    });
  }

  async must(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.sh(script);
    if (code !== 0) throw new Error(`${script}: ${String(code)}\n${stdout}\n${stderr}`);
    return stdout.trim();
  }

  /** Resolves once the script succeeds. */
  async until(script: string): Promise<void> {
    try {
      await until(script, async () => ((await this.sh(script)).code === 0 ? true : undefined));
    } catch (error) {
      const { stdout } = await this.sh(
        "systemctl --failed; journalctl -b --no-pager -u 'leakguard*' | tail -20",
      );
      throw new Error(`what it said:\n${stdout}`, { cause: error });
    }
  }

  /** Puts a file there. */
  put(path: string, content: string | Uint8Array): void {
    writeFileSync(join(this.#root, path), content);
  }

  read(path: string): string {
    return readFileSync(join(this.#root, path), 'utf8');
  }

  /** Path → owner, rights and content, of all that is not as it was before the boot and that root alone may change. */
  async rootsFiles(): Promise<Readonly<Record<string, string>>> {
    // What the daemon has of its own may change and go while it is read.
    const lasting = '-path ./var/lib/leakguard -prune -o -path ./var/log -prune -o';
    const said = await this.must(
      `cd /opt/changed && find . -mindepth 1 ${lasting} -printf "%P\\t%y %U:%G %m %l\\n" | sort && find . ${lasting} -type f -print0 | sort -z | xargs -0 sha256sum`,
    );
    const files: Record<string, string> = {};
    for (const line of said.split('\n')) {
      const [, sum, summed] = /^([0-9a-f]{64}) {2}\.\/(.*)$/.exec(line) ?? [];
      const [path = '', what = ''] = summed === undefined ? line.split('\t') : [summed, sum];
      if (!OTHERS.test(path)) files[path] = `${files[path] ?? ''} ${what}`.trim();
    }
    return files;
  }

  async stop(): Promise<void> {
    // Process 1 of a namespace takes all others along (pid_namespaces(7)).
    process.kill(this.#pid, 'SIGKILL');
    await this.#outer.exited;
    await until('the control group is empty', () => {
      try {
        removeGroup(this.#group);
        return true;
      } catch {
        return undefined;
      }
    });
    if (this.#group.startsWith(this.#folder)) await must(['umount', dirname(this.#group)]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #root(): string {
    return `/proc/${String(this.#pid)}/root`;
  }
}

/** A group of its own for systemd to share out, wherever this machine has the second version mounted, or below `folder`. */
async function controlGroup(folder: string): Promise<string> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  let top = mounts.map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1];
  if (top === undefined) {
    top = `${folder}/cgroup`;
    mkdirSync(top);
    await must(['mount', '-t', 'cgroup2', 'cgroup2', top]);
  }
  const group = mkdtempSync(join(top, 'leakguard-booted-'));
  return group;
}

function removeGroup(group: string): void {
  if (!existsSync(group)) return;
  for (const entry of readdirSync(group, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroup(join(group, entry.name));
  rmdirSync(group);
}

/** A machine with much to do needs longer. */
const WITHIN_MS = 300_000;

async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + WITHIN_MS; Date.now() < end;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within ${String(WITHIN_MS / 1000)} s: ${what}`);
}
