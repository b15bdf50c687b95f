// The interface that every CLI command implements, and the error it throws.

import type { Readable, Writable } from 'node:stream';

/** 0 success, no leak · 1 leaks found · 2 usage or configuration error · 3 cannot capture, reach the daemon or apply the change. */
export type ExitCode = 0 | 1 | 2 | 3;

/** A command's surroundings: it uses no other stream, and does not read the environment. */
export interface CommandIo {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** True when stderr is a terminal: progress may be drawn there. */
  readonly terminal: boolean;
  /** Set when stdout is a terminal; undefined for a pipe or a file. `columns`: its width in characters. */
  readonly screen?: { readonly color: boolean; readonly columns: number };
  /** Aborted on SIGINT and SIGTERM; the command then cleans up and ends soon. */
  readonly signal: AbortSignal;
}

/** One command of the command line. */
export interface Command {
  /** The first word of the command line. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The complete output of `--help`. */
  readonly help: string;
  /** Throws CommandError for expected errors; anything else that it throws is reported as a bug. */
  run(args: readonly string[], io: CommandIo): Promise<ExitCode>;
}

/**
 * An error to show to the user as it is: `message` is what happened, `remedy` what to do (several lines are allowed, '' for nothing).
 * `code`: one word for programs and tests.
 */
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
