// Knows: what a lab leaves on a machine, and how all of it goes. Must not know: how a lab is built.
// Works from the names alone, so it also clears up after a lab that was killed, and does nothing where nothing is left.

import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { LabError } from './error.ts';
import { MARK } from './machines/namespace.ts';
import { claimPrefix, LABS_DIR, NETNS_CONFIG_DIR, type Plan, ROLES, WIREGUARD_DIR } from './plan.ts';
import { must, run } from './processes/process.ts';

const ROUNDS = 200;

/** Processes inside the namespace `name`; none when there is no such namespace. */
async function inside(name: string): Promise<number[]> {
  const { stdout } = await run(['ip', 'netns', 'pids', name]);
  return stdout.split('\n').filter(Boolean).map(Number);
}

/** Processes that carry the lab's mark, wherever they are: one may have been started but not have entered yet. */
async function marked(id: string): Promise<number[]> {
  const entries = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    entries.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environment.split('\0').includes(`${MARK}=${id}`) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

/** The processes of the lab that are alive. */
export async function processesOf(plan: Plan): Promise<number[]> {
  const lists = await Promise.all([...ROLES.map((role) => inside(plan.namespaces[role])), marked(plan.id)]);
  return [...new Set(lists.flat())];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone between the look and the blow: what was wanted.
  }
}

/** The namespaces of the plan that exist. */
export async function namespacesOf(plan: Plan): Promise<string[]> {
  const names = await readdir('/run/netns').catch((): string[] => []);
  return ROLES.map((role) => plan.namespaces[role]).filter((name) => names.includes(name));
}

/** Ends every process and removes every namespace and file. LabError `not-down` when a process survives SIGKILL. */
export async function teardown(plan: Plan): Promise<void> {
  // Once more when something came in late: an owner killed while it built may have had a child on its way.
  do {
    await endProcesses(plan);
    for (const name of await namespacesOf(plan)) await removeNamespace(plan, name);
    const sockets = Object.values(plan.wireguard).map((name) => join(WIREGUARD_DIR, `${name}.sock`));
    const configs = ROLES.map((role) => join(NETNS_CONFIG_DIR, plan.namespaces[role]));
    for (const path of [...sockets, ...configs, ...(await claims(plan)), plan.dir])
      await rm(path, { recursive: true, force: true });
  } while ((await processesOf(plan)).length > 0 || (await namespacesOf(plan)).length > 0);
}

/** Owner, reaper and `down` may all be at it at once: what another has removed is removed. */
async function removeNamespace(plan: Plan, name: string): Promise<void> {
  try {
    await must(['ip', 'netns', 'delete', name]);
  } catch (error) {
    if ((await namespacesOf(plan)).includes(name)) throw error;
  }
}

/** What a process left that was killed while it claimed the lab. */
async function claims(plan: Plan): Promise<string[]> {
  const names = await readdir(LABS_DIR).catch((): string[] => []);
  return names.map((name) => join(LABS_DIR, name)).filter((path) => path.startsWith(claimPrefix(plan)));
}

async function endProcesses(plan: Plan): Promise<void> {
  let alive = await processesOf(plan);
  for (let round = 0; alive.length > 0; round++) {
    if (round === ROUNDS)
      throw new LabError('not-down', `processes that do not end: ${alive.join(', ')}; try again later.`);
    for (const pid of alive) kill(pid);
    // The kernel tells only a parent when a process has gone, and we are not theirs.
    await pause(10);
    alive = await processesOf(plan);
  }
}
