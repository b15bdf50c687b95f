// Knows: how to run a program of the system to its end. Must not know: which, and why.
// Argument arrays only: no shell ever sees a name from a policy or from the wire.

import { spawn } from 'node:child_process';

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
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: timeoutMs });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    const words = [command, ...args].join(' ');
    child.once('error', (error) => {
      reject(new RunError('missing', `${words} could not be started: ${error.message}`, '', error));
    });
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
