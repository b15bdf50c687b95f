// This machine's sockets and the processes that hold them, from /proc (proc_net(5), proc_pid_fd(5)). Slow, a few milliseconds with many
// processes: callers must limit how often they ask.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';

import { SOCKET_TABLES, readSocketTable } from '../../src/guard/incidents/attribution.ts';
import type { Socket } from '../../src/guard/incidents/attribution.ts';

/** A process by its number and the name that the kernel knows it by (at most 15 characters, proc_pid_comm(5)). */
export interface Holder {
  readonly pid: number;
  readonly name: string;
}

/**
 * All sockets of the tables of SOCKET_TABLES (TCP, UDP, ICMP, raw) in this network namespace. A table that cannot be read counts as empty;
 * never throws. `proc`: /proc or a copy.
 */
export function readSockets(proc = '/proc'): Socket[] {
  const littleEndian = endianness() === 'LE';
  return Object.keys(SOCKET_TABLES).flatMap((table) =>
    readSocketTable(table, textOf(join(proc, 'self/net', table)), littleEndian),
  );
}

/**
 * Processes that hold one of the sockets with these inodes, by ascending pid; without those whose file descriptors may not be read. Empty
 * when there is none; never throws. `proc`: /proc or a copy.
 */
export function holdersOf(inodes: readonly number[], proc = '/proc'): Holder[] {
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
  return namesIn(proc)
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) =>
      namesIn(join(proc, pid, 'fd')).some((fd) => links.has(linkOf(join(proc, pid, 'fd', fd)))),
    )
    .map((pid) => ({ pid: Number(pid), name: textOf(join(proc, pid, 'comm')).trim() }))
    .sort((a, b) => a.pid - b.pid);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
