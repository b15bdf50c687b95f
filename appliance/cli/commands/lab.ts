// `leakguard lab`. Progress and errors go to stderr, results to stdout.

import { parseArgs } from 'node:util';

import { LabError } from '../../lab/error.ts';
import { isHeld, openLab } from '../../lab/processes/handle.ts';
import { Lab, takeDown } from '../../lab/lab.ts';
import { LAB_PACKAGES } from '../../lab/packages.ts';
import { openPage } from '../../lab/page.ts';
import { DEFAULT_LAB, type Plan, planOf } from '../../lab/plan.ts';
import { play } from '../../lab/player.ts';
import type { Scenario, ScenarioResult, StepResult } from '../../lab/scenario.ts';
import { scenarioNamed, SCENARIOS } from '../../lab/scenarios.ts';
import { type Command, CommandError, type CommandIo, type ExitCode } from '../command.ts';
import { introduction, LAB_HELP, stepLine } from '../lab-texts.ts';

const DEFAULT_PORT = 8080;

interface Options {
  readonly words: readonly string[];
  readonly json: boolean;
  readonly help: boolean;
  readonly port: number;
  readonly plan: Plan;
}

export const labCommand: Command = {
  name: 'lab',
  summary: 'laptop, box and uplink as network namespaces on this machine',
  help: LAB_HELP,
  run,
};

async function run(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  try {
    const options = optionsOf(args);
    const [what, scenario, ...more] = options.words;
    if (options.help) {
      io.stdout.write(LAB_HELP);
      return 0;
    }
    if (more.length > 0 || (scenario !== undefined && what !== 'play'))
      throw usage(`Unexpected argument "${[scenario, ...more].join(' ')}".`);
    switch (what) {
      case 'up':
        return await up(options, io);
      case 'down':
        return await down(options, io);
      case 'list':
        return list(options, io);
      case 'play':
        return await playOne(scenarioOf(scenario), options, io);
      default:
        throw usage(
          what === undefined
            ? 'Choose one of lab up, down, list or play SCENARIO.'
            : `There is no "lab ${what}".`,
        );
    }
  } catch (error) {
    throw error instanceof LabError ? toCommandError(error) : error;
  }
}

function optionsOf(args: readonly string[]): Options {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        port: { type: 'string', default: `${DEFAULT_PORT}` },
        id: { type: 'string', default: DEFAULT_LAB },
      },
    });
    const port = Number(values.port);
    if (!/^\d{1,5}$/.test(values.port) || port > 65535)
      throw usage(`--port ${values.port} is not a valid port.`);
    return { words: positionals, json: values.json, help: values.help, port, plan: planOf(values.id) };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function usage(message: string): CommandError {
  return new CommandError(2, 'usage', message, 'See "npx leakguard lab --help".');
}

function scenarioOf(name: string | undefined): Scenario {
  const scenario = name === undefined ? undefined : scenarioNamed(name);
  if (scenario !== undefined) return scenario;
  throw usage(name === undefined ? 'No scenario was given.' : `There is no scenario "${name}".`);
}

const REMEDIES: Readonly<Record<string, string>> = {
  'not-root':
    'Run it as root: sudo npx leakguard lab up. "npx leakguard lab list" and "npx leakguard analyze FILE" do not need root.',
  'is-up': 'Use the running lab, or stop it with "npx leakguard lab down".',
  'port-taken': 'Choose another with --port.',
  'not-built': 'npm run build',
};

function toCommandError(error: LabError): CommandError {
  const program = error.code === 'command-missing' ? error.message.replace(/:.*/, '') : '';
  const debian = LAB_PACKAGES[program];
  const remedy = debian === undefined ? (REMEDIES[error.code] ?? '') : `apt-get install ${debian}`;
  return new CommandError(3, error.code, error.message, remedy, error);
}

async function up({ plan, port }: Options, io: CommandIo): Promise<ExitCode> {
  const say = (line: string): void => void io.stderr.write(`  ${line}\n`);
  const lab = await Lab.raise(plan, { filling: 'guard', page: true, say, signal: io.signal });
  try {
    const page = await openPage(lab, port);
    io.stdout.write(introduction(plan, page.address));
    await ended(io.signal);
    page.server.close();
  } finally {
    io.stderr.write('stopping the lab\n');
    await lab.close();
  }
  return 0;
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function down({ plan, json }: Options, io: CommandIo): Promise<ExitCode> {
  const wasUp = await takeDown(plan);
  io.stdout.write(
    json ? `${JSON.stringify({ down: wasUp })}\n` : wasUp ? 'the lab is stopped\n' : 'no lab was running\n',
  );
  return 0;
}

function list({ json }: Options, io: CommandIo): ExitCode {
  const scenarios = SCENARIOS.map(({ name, summary, steps }) => ({ name, summary, steps: steps.length }));
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  const text = scenarios.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}\n`).join('');
  io.stdout.write(json ? `${JSON.stringify({ scenarios })}\n` : text);
  return 0;
}

async function playOne(scenario: Scenario, options: Options, io: CommandIo): Promise<ExitCode> {
  const result = await withLab(options.plan, io, (lab) => {
    const progress = io.terminal && !options.json;
    return play(
      lab,
      scenario,
      {
        began: ({ name }) => {
          if (progress) io.stderr.write(`  … ${name}`);
        },
        ended: (step) => show(step, options.json, progress, io),
      },
      io.signal,
    );
  });
  if (options.json) io.stdout.write(`${JSON.stringify(result)}\n`);
  else io.stdout.write(`${scenario.name}: ${verdict(result)}\n`);
  return result.ok ? 0 : 1;
}

function show(step: StepResult, json: boolean, progress: boolean, io: CommandIo): void {
  if (progress) io.stderr.write('\r\x1b[K');
  (json ? io.stderr : io.stdout).write(stepLine(step));
}

function verdict({ ok, steps }: ScenarioResult): string {
  const wrong = steps.filter((step) => !step.ok).length;
  return ok ? `all ${steps.length} steps succeeded` : `${wrong} of ${steps.length} steps failed`;
}

/** Calls `use` with the running lab, or with a temporary one that is stopped afterwards. */
async function withLab<Result>(
  plan: Plan,
  io: CommandIo,
  use: (lab: Awaited<ReturnType<typeof openLab>>) => Promise<Result>,
): Promise<Result> {
  if (await isHeld(plan)) return use(await openLab(plan));
  io.stderr.write('no lab is running: starting one for this scenario\n');
  const say = (line: string): void => void io.stderr.write(`  ${line}\n`);
  const lab = await Lab.raise(plan, { filling: 'guard', say, signal: io.signal });
  try {
    return await use(lab);
  } finally {
    await lab.close();
  }
}
