// Finds the command that the first word names, and turns errors into lines on stderr and exit codes.

import { printable } from '../../src/api/shown.ts';
import { didYouMean } from './arguments.ts';
import { CommandError } from './command.ts';
import type { Command, CommandIo, ExitCode } from './command.ts';

/**
 * Runs the command that the first word of `args` names, and returns its exit code. A CommandError is printed on stderr; any other error is
 * printed as a bug and returns 3. No word, or an unknown one: 2. Never rejects.
 */
export async function dispatch(
  commands: readonly Command[],
  version: string,
  args: readonly string[],
  io: CommandIo,
): Promise<ExitCode> {
  try {
    return await find(commands, version, args, io);
  } catch (error) {
    const fault = error instanceof CommandError ? error : defect(error);
    const lines = [fault.message, fault.remedy]
      .flatMap((text) => text.split('\n'))
      .filter((line) => line !== '');
    io.stderr.write(`leakguard: ${lines.map((line) => printable(line)).join('\n  ')}\n`);
    return fault.exitCode;
  }
}

async function find(
  commands: readonly Command[],
  version: string,
  [word, ...rest]: readonly string[],
  io: CommandIo,
): Promise<ExitCode> {
  const isHelp = word === '--help' || word === '-h' || word === 'help';
  if (word === '--version') {
    io.stdout.write(`leakguard ${version}\n`);
    return 0;
  }
  const named = isHelp ? rest[0] : word;
  const command = commands.find(({ name }) => name === named);
  if (command === undefined && named !== undefined && !named.startsWith('-')) throw unknown(named, commands);
  if (command === undefined) {
    if (!isHelp && word !== undefined) throw unknown(word, commands);
    (isHelp ? io.stdout : io.stderr).write(overview(commands));
    return isHelp ? 0 : 2;
  }
  const options = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : rest.length);
  if (isHelp || options.includes('--help') || options.includes('-h')) {
    io.stdout.write(command.help);
    return 0;
  }
  return command.run(rest, io);
}

function unknown(word: string, commands: readonly Command[]): CommandError {
  const what = word.startsWith('-') ? 'option' : 'command';
  const hint = didYouMean(word, [...commands.map(({ name }) => name), '--help', '--version']);
  const remedy = 'See "leakguard --help".';
  return new CommandError(2, 'usage', `There is no ${what} "${word}".${hint}`, remedy);
}

function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`);
  return `leakguard: detects traffic that leaves outside the VPN tunnel, and can block it

${lines.join('')}
  leakguard COMMAND --help   help for one command
  leakguard --version

Exit codes: 0 success, no leak · 1 leaks found · 2 usage or configuration error · 3 cannot capture, reach the daemon or apply
`;
}

function defect(error: unknown): CommandError {
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CommandError(3, 'defect', `This is a bug in leakguard: ${details}`, 'Please report it.', error);
}
