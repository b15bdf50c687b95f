// How to run a command in this process and keep what it said.

import { PassThrough, Readable } from 'node:stream';

import type { Command, CommandIo, ExitCode } from '../../../appliance/cli/command.ts';
import { dispatch } from '../../../appliance/cli/dispatch.ts';

export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly ended: Promise<Ran>;
  /** Resolves as soon as stdout holds the text. */
  said(text: string): Promise<void>;
  interrupt(): void;
}

/** Starts `leakguard ...args` with these commands, without a screen unless it is given, and with what a person has `typed` at the terminal. */
export function start(
  commands: readonly Command[],
  args: readonly string[],
  screen?: CommandIo['screen'],
  typed?: string,
): Running {
  const ending = new AbortController();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let [out, err] = ['', ''];
  stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
  const io: CommandIo = {
    ...{ stdin: Readable.from(typed === undefined ? [] : [typed]), stdout, stderr },
    ...{ terminal: typed !== undefined, signal: ending.signal },
    ...(screen === undefined ? {} : { screen }),
  };
  return {
    ended: dispatch(commands, '1.2.3', args, io).then((code) => ({ code, out, err })),
    said: async (text) => {
      while (!out.includes(text)) await new Promise((resolve) => stdout.once('data', resolve));
    },
    interrupt: () => ending.abort(),
  };
}

export async function runCommand(
  commands: readonly Command[],
  args: readonly string[],
  screen?: CommandIo['screen'],
  typed?: string,
): Promise<Ran> {
  return start(commands, args, screen, typed).ended;
}
