// Knows: what a command of the CLI is. Must not know: any command.
// Follows README.md, Commands: exit codes, `--json`, `--help`, `--api`.

import type { Readable, Writable } from 'node:stream';

/** 0 done, no leak · 1 leaks found · 2 usage or configuration · 3 cannot capture, reach the daemon or apply. */
export type ExitCode = 0 | 1 | 2 | 3;

export interface CommandIo {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** True when people look at stderr: progress may be drawn there. */
  readonly terminal: boolean;
  /** What stdout is when people look at it; a pipe or a file has none. */
  readonly screen?: { readonly color: boolean; readonly columns: number };
  /** Aborted on SIGINT and SIGTERM; a command then ends soon and cleans up. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Whole text of `--help`. */
  readonly help: string;
  /** Throws CommandError for faults that have words; everything else is a defect. */
  run(args: readonly string[], io: CommandIo): Promise<ExitCode>;
}

/** A fault to show as it is: `message` is what happened, `remedy` what to do. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly remedy: string;

  constructor(exitCode: ExitCode, code: string, message: string, remedy = '', cause?: unknown) {
    super(message, { cause });
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.code = code;
    this.remedy = remedy;
  }
}
