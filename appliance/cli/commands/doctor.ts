// `leakguard doctor`: gathers what the checks need and runs them in order. A check that throws becomes a finding of level `unknown`.

import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { printable } from '../../../src/api/shown.ts';
import { barePolicy } from '../../../src/policy/schema/bare-policy.ts';
import { compileRuleset } from '../../../src/policy/compile/nft.ts';
import type { LedConfig } from '../../../src/policy/policy.ts';
import { Bridge } from '../../bridge/bridge.ts';
import { readPolicyFileHere } from '../../policy/policy-file-here.ts';
import type { Check, Finding, Level, Subject } from '../../doctor/finding.ts';
import { found, ok } from '../../doctor/finding.ts';
import { clock, kernel, lamp, power, resources, units } from '../../doctor/machine.ts';
import { firewalls, managers } from '../../doctor/neighbours.ts';
import { bridge, guard, ports, rules } from '../../doctor/wire.ts';
import { HealthProbe } from '../../os/health.ts';
import { ledFault } from '../../led/file-led.ts';
import { pinNumber } from '../../led/gpio.ts';
import { checkRuleset } from '../../bridge/nftables.ts';
import { run } from '../../os/run-command.ts';
import { UndoRecord } from '../../os/undo-record.ts';
import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { runningLab } from './lab-files.ts';
import type { Command, CommandIo, ExitCode } from '../command.ts';
import { padded, styleOf } from '../terminal.ts';
import type { Tone } from '../terminal.ts';

const HELP = `leakguard doctor: check everything the box depends on, and say what to do

  leakguard doctor [--json]

  --config FILE    the policy (default /etc/leakguard/policy.yaml)
  --state-dir DIR  the daemon's state directory (default /var/lib/leakguard)
  --api SOCKET     check the daemon at this socket instead of this machine, by what it reports (for a lab)
  --json           print the findings as one JSON object

It changes nothing. Run it as root to check everything.

Exit codes: 0 no fault, 2 usage error, 3 the box does not do its job, or the daemon that --api names does not answer.
`;

const OPTIONS = {
  ...API_OPTIONS,
  config: { type: 'string', default: '/etc/leakguard/policy.yaml' },
  'state-dir': { type: 'string', default: '/var/lib/leakguard' },
} as const;

const CHECKS: readonly Check[] = [
  ports,
  bridge,
  rules,
  guard,
  kernel,
  units,
  firewalls,
  managers,
  lamp,
  clock,
  resources,
  power,
];

/** Those that need no policy: without one it is not known which ports, bridge, rules and LED the box has. */
const CHECKS_WITHOUT_POLICY: readonly Check[] = [guard, units, firewalls, clock, resources, power];
/** Those that the daemon's own answers decide. */
const CHECKS_OF_DAEMON: readonly Check[] = [ports, bridge, rules, guard, clock, resources, power];

const NOT_LOOKED_AT = {
  ...{ bridgeFaults: [], rulesFault: undefined, ledFault: undefined },
  run: () => Promise.resolve(undefined),
  readText: () => undefined,
};

const MARKS: Readonly<Record<Level, readonly [mark: string, tone: Tone]>> = {
  ok: ['✔', 'green'],
  warning: ['▲', 'amber'],
  fault: ['✖', 'red'],
  unknown: ['?', 'amber'],
};

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'check ports, rules, taps, LED, clock and disk, and say what to do',
  help: HELP,
  async run(args, io) {
    const { values } = readArguments('doctor', args, OPTIONS);
    const findings = await (values.api === API_OPTIONS.api.default
      ? ofThisMachine(values)
      : ofDaemon(values.api));
    io.stdout.write(values.json ? `${JSON.stringify({ findings })}\n` : screen(findings, io));
    return exitCodeOf(findings);
  },
};

type Values = ReturnType<typeof readArguments<typeof OPTIONS>>['values'];

/** The box that this machine is. Without a valid policy, what does not depend on one is checked all the same. */
async function ofThisMachine({ config, 'state-dir': stateDir, api }: Values): Promise<readonly Finding[]> {
  const read = await readPolicyFileHere(config);
  const subject = await subjectOf(read.ok ? read.policy : barePolicy(), stateDir, api);
  if (read.ok) return [ok('policy', `${config} is valid`), ...(await examine(subject))];
  return [
    ...withoutPolicy(config, stateDir, read.faults),
    ...(await examine(subject, CHECKS_WITHOUT_POLICY)),
  ];
}

/** The daemon at this socket, by what it says itself: it may see other interfaces than this process does (that of a lab does). */
async function ofDaemon(api: string): Promise<readonly Finding[]> {
  const client = daemonAt(api);
  const [status, { machine, ports: seen }, policy] = await Promise.all([
    client.ask('status'),
    client.ask('health'),
    client.ask('policy'),
  ]);
  const subject = { policy, status, silence: '', machine, ports: seen, stateDir: '', ...NOT_LOOKED_AT };
  return examine(subject, CHECKS_OF_DAEMON);
}

/** A machine that was never set up as a box has neither a policy nor a state directory. */
function withoutPolicy(config: string, stateDir: string, faults: readonly string[]): readonly Finding[] {
  if (existsSync(config) || existsSync(stateDir)) {
    const [first = '', ...more] = faults;
    const others =
      more.length === 0 ? '' : ` (and ${String(more.length)} more: leakguard policy check ${config})`;
    const remedy = existsSync(config) ? 'Correct it' : 'Run `leakguard setup`, which writes one';
    return [
      found(
        'fault',
        'policy',
        `there is no valid policy, so the box blocks all traffic: ${first}${others}`,
        `${remedy}.`,
      ),
    ];
  }
  const lab = runningLab();
  const labs = lab === undefined ? '' : ` To check the running lab, use --api ${lab.api}.`;
  return [
    found(
      'fault',
      'policy',
      `this machine is not set up as a box: ${config} and ${stateDir} do not exist`,
      `Set it up with \`leakguard setup\`.${labs}`,
    ),
  ];
}

/**
 * Runs the checks in order, one at a time, and returns all findings in that order; never rejects: a check that throws becomes a finding of
 * level `unknown`.
 */
export async function examine(subject: Subject, checks = CHECKS): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) {
    try {
      findings.push(...(await check(subject)));
    } catch (error) {
      findings.push(
        found('unknown', 'check', `a check failed to run: ${String(error)}`, 'Please report it.'),
      );
    }
  }
  return findings;
}

/** The exit code of `leakguard doctor`: 3 when any finding is a fault, otherwise 0, also with warnings and what is unknown. */
export function exitCodeOf(findings: readonly Finding[]): ExitCode {
  return findings.some(({ level }) => level === 'fault') ? 3 : 0;
}

async function subjectOf(policy: Subject['policy'], stateDir: string, api: string): Promise<Subject> {
  const client = daemonAt(api);
  const asked = await client.ask('status').then(
    (status) => ({ status, silence: '' }),
    (error: unknown) => ({
      status: undefined,
      silence: error instanceof Error ? error.message : String(error),
    }),
  );
  const { machine, ports: seen } = await new HealthProbe(() => policy.bridge, stateDir).read();
  const rulesFault = await checkRuleset(compileRuleset(policy, { blockMode: true })).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)),
  );
  // Used only to read the bridge's faults: it changes nothing, so it never writes this undo record.
  const observed = new Bridge(policy.bridge, new UndoRecord('/nonexistent/undo.json'));
  return {
    policy,
    stateDir,
    ...asked,
    machine,
    ports: seen,
    bridgeFaults: observed.faults(),
    rulesFault,
    ledFault: unusableLed(policy.lamp, dirname(api)),
    run: (command, ...args) => run(command, args).catch(() => undefined),
    readText: (path) => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
  };
}

/** Why the LED cannot be used, or undefined. Only reads: the daemon controls the LED. */
function unusableLed(config: LedConfig, runtimeDir: string): string | undefined {
  try {
    if (config.driver === 'leds') {
      const missing = [config.red, config.green].find(
        (name) => !existsSync(`/sys/class/leds/${name}/brightness`),
      );
      return missing === undefined ? undefined : `there is no LED ${missing} in /sys/class/leds`;
    }
    if (config.driver === 'gpio') pinNumber(config.red);
    const fault = ledFault(config, runtimeDir);
    return fault === undefined ? undefined : `${fault.message}. ${fault.remedy}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function screen(findings: readonly Finding[], io: Pick<CommandIo, 'screen'>): string {
  const { paint } = styleOf(io);
  const rows = padded(findings.map(({ check, saw }) => [check, saw]));
  const lines = findings.flatMap(({ level, remedy }, index) => {
    const [mark, tone] = MARKS[level];
    const line = `${paint(tone, mark)} ${printable((rows[index] ?? []).join('  '))}`.trimEnd();
    return remedy === '' ? [line] : [line, `    ${printable(remedy)}`];
  });
  const count = (level: Level): number => findings.filter((finding) => finding.level === level).length;
  const sum = `${count('fault')} faults, ${count('warning')} warnings, ${count('unknown')} unknown, ${count('ok')} ok`;
  return `${[...lines, '', sum].join('\n')}\n`;
}
