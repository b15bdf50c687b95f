// Runs a system program and waits for it. Arguments are arrays: no shell ever sees a name from a policy or from the wire. When the machine has
// no file handle, process or memory left, child_process fails in three ways (an event, an exception, a child without streams): each is a
// RunError.

import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';

/** `missing`: could not be started · `failed`: exited with another code than 0 · `timeout`: ended by a signal, also after the timeout. */
export class RunError extends Error {
  readonly code: 'missing' | 'failed' | 'timeout';
  readonly stderr: string;

  constructor(code: 'missing' | 'failed' | 'timeout', message: string, stderr: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'RunError';
    this.code = code;
    this.stderr = stderr;
  }
}

/** Default timeout, milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * Runs a program with `input` on stdin and returns its stdout as UTF-8, of any length. The environment is this process's. After `timeoutMs`
 * milliseconds it gets SIGTERM. Rejects with RunError unless its exit code is 0.
 */
export async function run(
  command: string,
  args: readonly string[],
  input = '',
  timeoutMs = TIMEOUT_MS,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const commandLine = [command, ...args].join(' ');
    const notStarted = (error: unknown): void => {
      const reason = error instanceof Error ? error.message : String(error);
      reject(new RunError('missing', `${commandLine} could not be started: ${reason}`, '', error));
    };
    let child: ChildProcessWithoutNullStreams;
    try {
      child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: timeoutMs });
    } catch (error) {
      // ENOMEM, for example, is thrown; EMFILE and EAGAIN come as an event (below).
      notStarted(error);
      return;
    }
    child.on('error', notStarted);
    if (!hasStreams(child)) return;
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('close', (code, signal) => {
      const stderr = Buffer.concat(err).toString('utf8').trim();
      if (code === 0) resolve(Buffer.concat(out).toString('utf8'));
      else if (signal !== null)
        reject(new RunError('timeout', `${commandLine} was ended by ${signal}`, stderr));
      else reject(new RunError('failed', `${commandLine} ended with ${String(code)}: ${stderr}`, stderr));
    });
    // A program that exits without reading its input breaks the pipe; what counts is its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** When no file handle is left there are no pipes, in spite of the types; `error` follows in the next turn of the event loop. */
function hasStreams(child: Partial<ChildProcessWithoutNullStreams>): boolean {
  return child.stdout !== undefined && child.stderr !== undefined && child.stdin !== undefined;
}
