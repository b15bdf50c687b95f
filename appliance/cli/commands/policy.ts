// `leakguard policy`: validates a policy file, or prints the policy in force or its compiled form.

import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { compileFilter } from '../../../src/policy/compile/bpf.ts';
import { compileRuleset } from '../../../src/policy/compile/nft.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { parsePolicy } from '../../../src/policy/schema/schema.ts';
import type { ParsedPolicy } from '../../../src/policy/schema/schema.ts';
import { ledFault } from '../../led/file-led.ts';
import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command, CommandIo, ExitCode } from '../command.ts';

const HELP = `leakguard policy: validate a policy, or print what it is compiled to

  leakguard policy check FILE             print every error with its place and how to fix it
  leakguard policy show [FILE]            print the policy as the guard understands it, as JSON
  leakguard policy ruleset [FILE] [--block on|off]   print the nftables ruleset (default: block on)
  leakguard policy filter [FILE] [--port lan|wan]    print the capture filter that skips tunnel frames; with --port, the one
                                                     that this port's tap uses

Without FILE, the policy in force is fetched from the daemon.
  --json         print one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit codes: 0 success, 2 usage error or invalid policy, 3 no daemon.
`;

const OPTIONS = {
  ...API_OPTIONS,
  block: { type: 'string', default: 'on' },
  port: { type: 'string' },
} as const;

type Values = ReturnType<typeof readArguments<typeof OPTIONS>>['values'];

export const policyCommand: Command = {
  name: 'policy',
  summary: 'check FILE|show|ruleset|filter: validate a policy, or print what it is compiled to',
  help: HELP,
  run,
};

async function run(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = readArguments('policy', args, OPTIONS, 2);
  const [word, file] = positionals;
  switch (word) {
    case 'check':
      if (file === undefined) throw usage('No file was given.');
      return check(file, values, io);
    case 'show':
      return print(
        await policyOf(file, values),
        (policy) => JSON.stringify(policy, undefined, 2),
        'policy',
        values,
        io,
      );
    case 'ruleset': {
      if (values.block !== 'on' && values.block !== 'off')
        throw usage(`--block ${values.block} is not on or off.`);
      const state = { blockMode: values.block === 'on' };
      return print(
        await policyOf(file, values),
        (policy) => compileRuleset(policy, state),
        'ruleset',
        values,
        io,
      );
    }
    case 'filter': {
      const { port = 'either' } = values;
      if (port !== 'lan' && port !== 'wan' && port !== 'either')
        throw usage(`--port ${port} is not lan or wan.`);
      return print(
        await policyOf(file, values),
        (policy) => compileFilter(policy, port),
        'filter',
        values,
        io,
      );
    }
    default:
      throw usage(
        word === undefined
          ? 'Choose one of check, show, ruleset or filter.'
          : `There is no "policy ${word}".`,
      );
  }
}

function usage(message: string): CommandError {
  return new CommandError(2, 'usage', message, 'See "leakguard policy --help".');
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'no permission to read it' : String(error);
    throw new CommandError(2, 'no-file', `${file}: ${why}.`, '', error);
  }
}

async function check(file: string, { json, api }: Values, io: CommandIo): Promise<ExitCode> {
  const parsed = onThisBox(parsePolicy(await textOf(file)), dirname(api));
  if (json) {
    io.stdout.write(`${JSON.stringify({ file, ok: parsed.ok, faults: parsed.ok ? [] : parsed.faults })}\n`);
    return parsed.ok ? 0 : 2;
  }
  if (!parsed.ok) {
    io.stdout.write(`${faultsText(file, parsed.faults)}\n`);
    return 2;
  }
  const { profile, direct, tunnels } = parsed.policy;
  // Shown because its default depends on other parts of the policy.
  const directText = profile === 'full-tunnel' ? '' : ` with direct: ${direct}`;
  const tunnelText =
    tunnels.length === 0 ? 'no tunnel yet: everything counts as a leak' : `${tunnels.length} tunnels`;
  io.stdout.write(`${file} is valid: ${profile}${directText}, ${tunnelText}\n`);
  return 0;
}

/** A valid policy may configure an LED that this box does not have. The runtime directory is the one of the daemon's socket. */
function onThisBox(parsed: ParsedPolicy, runtimeDir: string): ParsedPolicy {
  const fault = parsed.ok ? ledFault(parsed.policy.lamp, runtimeDir) : undefined;
  return fault === undefined ? parsed : { ok: false, faults: [fault] };
}

interface PolicyFault {
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
  readonly line?: number;
}

/** Two lines for each fault: place and message, then the remedy. */
function faultsText(file: string, faults: readonly PolicyFault[]): string {
  return faults
    .map(({ path, message, remedy, line }) => {
      const where = `${file}${line === undefined ? '' : `:${line}`}: ${path === '' ? '' : `${path}: `}`;
      return `${where}${message}${remedy === '' ? '' : `\n    ${remedy}`}`;
    })
    .join('\n');
}

async function policyOf(file: string | undefined, { api }: Values): Promise<Policy> {
  if (file === undefined) return daemonAt(api).ask('policy');
  const parsed = parsePolicy(await textOf(file));
  if (parsed.ok) return parsed.policy;
  throw new CommandError(2, 'policy', `${file} is not a valid policy.`, faultsText(file, parsed.faults));
}

function print(
  policy: Policy,
  compile: (policy: Policy) => string,
  name: string,
  { json }: Values,
  io: CommandIo,
): ExitCode {
  const text = compile(policy);
  const value = name === 'policy' ? policy : { [name]: text };
  io.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text.trimEnd()}\n`);
  return 0;
}
