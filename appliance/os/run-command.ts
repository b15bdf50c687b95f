// Knows: how to run a program of the system to its end. Must not know: which, and why.
// Argument arrays only: no shell ever sees a name from a policy or from the wire. A machine without handles, processes or
// memory refuses in three ways (child_process: an event, an exception, or a child without streams): each is a RunError.

import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';

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

/** Longest time such a program may take unless told, milliseconds. */
const TIMEOUT_MS = 10_000;

/** Standard output of a program that ended with 0; throws RunError otherwise. `input` goes to standard input. */
export async function run(
  command: string,
  args: readonly string[],
  input = '',
  timeoutMs = TIMEOUT_MS,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const words = [command, ...args].join(' ');
    const notStarted = (error: unknown): void => {
      const said = error instanceof Error ? error.message : String(error);
      reject(new RunError('missing', `${words} could not be started: ${said}`, '', error));
    };
    let child: ChildProcessWithoutNullStreams;
    try {
      child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: timeoutMs });
    } catch (error) {
      // ENOMEM and the like are thrown; EMFILE and EAGAIN come as an event below.
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
      else if (signal !== null) reject(new RunError('timeout', `${words} was ended by ${signal}`, stderr));
      else reject(new RunError('failed', `${words} ended with ${String(code)}: ${stderr}`, stderr));
    });
    // A program that ends without reading its input breaks the pipe; its exit code tells why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Without a handle left there are no pipes, whatever the types say; `error` tells in the next turn. */
function hasStreams(child: Partial<ChildProcessWithoutNullStreams>): boolean {
  return child.stdout !== undefined && child.stderr !== undefined && child.stdin !== undefined;
}
