// Knows: what was changed on the machine and how it was before, over restarts of whoever changed it. Must not know: why.
// Kept in the runtime directory: a reboot forgets the changes and this record alike. The daemon writes it, and root undoes what
// it says when the package goes (`leakguardd --release`): so it can say nothing but what a bridge needs to have undone.

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { run } from './run-command.ts';
import { writeDurable } from './durable-file.ts';
import { readRegularFile } from './regular-file.ts';

/** How one change is taken back. */
export type Undo =
  | { readonly kind: 'file'; readonly path: string; readonly value: string }
  | { readonly kind: 'run'; readonly command: string; readonly args: readonly string[] };

export class UndoRecord {
  readonly #path: string;
  #undos: Undo[];

  constructor(path: string) {
    this.#path = path;
    this.#undos = readUndos(path);
  }

  /** Call it before the change: a crash in between then undoes what was not done, which harms nothing. */
  add(undo: Undo): void {
    // The oldest value of a file is the one that was there before us.
    if (
      undo.kind === 'file' &&
      this.#undos.some((known) => known.kind === 'file' && known.path === undo.path)
    )
      return;
    if (this.#undos.some((known) => JSON.stringify(known) === JSON.stringify(undo))) return;
    this.#undos.push(undo);
    writeDurable(this.#path, JSON.stringify(this.#undos));
  }

  /** Writes it anew when it was removed: what is to be undone is known here as well. */
  keep(): void {
    if (this.#undos.length > 0 && !existsSync(this.#path))
      writeDurable(this.#path, JSON.stringify(this.#undos));
  }

  /** Takes everything back, last change first; what cannot be is told in one sentence each. */
  async undoAll(): Promise<string[]> {
    const failures: string[] = [];
    for (const undo of this.#undos.reverse()) {
      try {
        if (undo.kind === 'file') writeFileSync(undo.path, undo.value);
        else await run(undo.command, undo.args);
      } catch (error) {
        // What belonged to the bridge went with it.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') failures.push(String(error));
      }
    }
    this.#undos = [];
    rmSync(this.#path, { force: true });
    return failures;
  }
}

/** Empty when there is no record, or none that can be understood: then nothing is known to be ours to undo. */
function readUndos(path: string): Undo[] {
  try {
    const value: unknown = JSON.parse(readRegularFile(path));
    return Array.isArray(value) && (value as unknown[]).every(isUndo) ? (value as Undo[]) : [];
  } catch {
    return [];
  }
}

/** First words of what may be run again; `ip netns`, `tc exec` and `-batch` run or read something else. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  ip: ['link', 'addr', 'address', 'route', 'rule', 'neigh'],
  tc: ['qdisc', 'filter', 'chain'],
  bridge: ['link', 'vlan', 'fdb'],
  ethtool: ['-K'],
};
/** Settings of the kernel's network; what a name below /sys leads to is below /sys. */
const SETTINGS = /^\/(?:proc\/sys\/net|sys\/class\/net|sys\/devices)\//;

function isUndo(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, path, value: content, command, args } = value as Record<string, unknown>;
  if (kind === 'file')
    return (
      typeof path === 'string' &&
      SETTINGS.test(path) &&
      !path.split('/').includes('..') &&
      typeof content === 'string'
    );
  if (kind !== 'run' || typeof command !== 'string' || !Object.hasOwn(COMMANDS, command)) return false;
  if (!Array.isArray(args) || !args.every((word) => typeof word === 'string')) return false;
  return COMMANDS[command]?.includes(String(args[0])) ?? false;
}
