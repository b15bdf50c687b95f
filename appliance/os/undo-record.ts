// Records how to undo what was changed on the machine. The file is in the runtime directory: a reboot discards the changes and the record
// alike. The daemon writes it, and root carries it out when the package is removed (`leakguardd --release`): so it can contain only what
// undoing a bridge requires.

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { run } from './run-command.ts';
import { writeDurable } from './durable-file.ts';
import { readRegularFile } from './regular-file.ts';

/** How to undo one change: write the old value to a file, or run a command. */
export type Undo =
  | { readonly kind: 'file'; readonly path: string; readonly value: string }
  | { readonly kind: 'run'; readonly command: string; readonly args: readonly string[] };

/** What is to be undone, in memory and in its file. */
export class UndoRecord {
  readonly #path: string;
  #undos: Undo[];

  /** Reads the record of an earlier process; a file that is missing or invalid counts as empty. */
  constructor(path: string) {
    this.#path = path;
    this.#undos = readUndos(path);
  }

  /** Adds an entry. Call it before the change: undoing a change that was not made is harmless. Throws file system errors. */
  add(undo: Undo): void {
    // The first recorded value of a file is the one from before our changes.
    if (
      undo.kind === 'file' &&
      this.#undos.some((known) => known.kind === 'file' && known.path === undo.path)
    )
      return;
    if (this.#undos.some((known) => JSON.stringify(known) === JSON.stringify(undo))) return;
    this.#undos.push(undo);
    writeDurable(this.#path, JSON.stringify(this.#undos));
  }

  /** Writes the record again when its file was removed. Throws file system errors. */
  keep(): void {
    if (this.#undos.length > 0 && !existsSync(this.#path))
      writeDurable(this.#path, JSON.stringify(this.#undos));
  }

  /**
   * Undoes everything, the last change first, and removes the record; returns an error text for each that failed. What is gone with its
   * file counts as undone.
   */
  async undoAll(): Promise<string[]> {
    const failures: string[] = [];
    for (const undo of this.#undos.reverse()) {
      try {
        if (undo.kind === 'file') writeFileSync(undo.path, undo.value);
        else await run(undo.command, undo.args);
      } catch (error) {
        // Files of the bridge are gone with the bridge.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') failures.push(String(error));
      }
    }
    this.#undos = [];
    rmSync(this.#path, { force: true });
    return failures;
  }
}

/** Empty when there is no record or it is invalid. */
function readUndos(path: string): Undo[] {
  try {
    const value: unknown = JSON.parse(readRegularFile(path));
    return Array.isArray(value) && (value as unknown[]).every(isUndo) ? (value as Undo[]) : [];
  } catch {
    return [];
  }
}

/** Allowed first arguments of each command; others, such as `ip netns`, `tc exec` and `-batch`, can run or read anything. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  ip: ['link', 'addr', 'address', 'route', 'rule', 'neigh'],
  tc: ['qdisc', 'filter', 'chain'],
  bridge: ['link', 'vlan', 'fdb'],
  ethtool: ['-K'],
};
/** Allowed files: the kernel's network settings. Links below /sys lead only to files below /sys. */
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
