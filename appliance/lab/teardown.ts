// Removes everything that a lab has created on the machine. It needs only the names in the plan, so it also cleans up after a lab that was
// killed, and does nothing when nothing is left.

import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { LabError } from './error.ts';
import { MARK } from './machines/namespace.ts';
import { claimPrefix, LABS_DIR, NETNS_CONFIG_DIR, type Plan, ROLES, WIREGUARD_DIR } from './plan.ts';
import { must, run } from './processes/process.ts';

const MAX_ROUNDS = 200;

/** Processes in the namespace `name`; none when it does not exist. */
async function inside(name: string): Promise<number[]> {
  const { stdout } = await run(['ip', 'netns', 'pids', name]);
  return stdout.split('\n').filter(Boolean).map(Number);
}

/** Processes with the lab's mark, in any namespace: a process that was just started may not have entered its namespace yet. */
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

/**
 * Process ids of the lab's living processes: those in its namespaces, and those with its mark in any other; unsorted, empty when there is
 * none. Rejects with LabError when `ip` is missing.
 */
export async function processesOf(plan: Plan): Promise<number[]> {
  const lists = await Promise.all([...ROLES.map((role) => inside(plan.namespaces[role])), marked(plan.id)]);
  return [...new Set(lists.flat())];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has already ended.
  }
}

/** The names of those namespaces of the plan that exist; empty when none does. Never rejects. */
export async function namespacesOf(plan: Plan): Promise<string[]> {
  const names = await readdir('/run/netns').catch((): string[] => []);
  return ROLES.map((role) => plan.namespaces[role]).filter((name) => names.includes(name));
}

/**
 * Ends every process and removes every namespace and file; does nothing when nothing is left. Rejects with LabError `not-down` when a
 * process survives SIGKILL.
 */
export async function teardown(plan: Plan): Promise<void> {
  // Repeated if something is left: an owner that was killed while building may just have started a child.
  do {
    await endProcesses(plan);
    for (const name of await namespacesOf(plan)) await removeNamespace(plan, name);
    const sockets = Object.values(plan.wireguard).map((name) => join(WIREGUARD_DIR, `${name}.sock`));
    const configs = ROLES.map((role) => join(NETNS_CONFIG_DIR, plan.namespaces[role]));
    for (const path of [...sockets, ...configs, ...(await claims(plan)), plan.dir])
      await rm(path, { recursive: true, force: true });
  } while ((await processesOf(plan)).length > 0 || (await namespacesOf(plan)).length > 0);
}

/** Ignores the error if the namespace is gone: the owner, the reaper and `lab down` may all be removing it at once. */
async function removeNamespace(plan: Plan, name: string): Promise<void> {
  try {
    await must(['ip', 'netns', 'delete', name]);
  } catch (error) {
    if ((await namespacesOf(plan)).includes(name)) throw error;
  }
}

/** Temporary directories of processes that were killed while they were claiming the lab. */
async function claims(plan: Plan): Promise<string[]> {
  const names = await readdir(LABS_DIR).catch((): string[] => []);
  return names.map((name) => join(LABS_DIR, name)).filter((path) => path.startsWith(claimPrefix(plan)));
}

async function endProcesses(plan: Plan): Promise<void> {
  let alive = await processesOf(plan);
  for (let round = 0; alive.length > 0; round++) {
    if (round === MAX_ROUNDS)
      throw new LabError('not-down', `these processes do not end: ${alive.join(', ')}; try again later.`);
    for (const pid of alive) kill(pid);
    // Only a parent is notified when a process ends, and this process is not the parent of all of them.
    await pause(10);
    alive = await processesOf(plan);
  }
}
