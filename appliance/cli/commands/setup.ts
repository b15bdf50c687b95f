// `leakguard setup`. Changes nothing without --yes, and leaves the running network alone until a restart (except with --undo --now).

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { SSH_PORT } from '../../../src/policy/policy.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { parsePolicy } from '../../../src/policy/schema/schema.ts';
import { RunError, run } from '../../os/run-command.ts';
import { apply, changesBack, changesTo } from '../../setup/changes.ts';
import type { Change } from '../../setup/changes.ts';
import { differenceText } from '../../setup/difference.ts';
import { SetupError } from '../../setup/error.ts';
import { dropFirstCode, firstCodeIfNone, hasPassword, newFirstCode } from '../../setup/first-code.ts';
import { filled, wantedFiles } from '../../setup/plan.ts';
import type { Wanted } from '../../setup/plan.ts';
import { portPair } from '../../setup/port.ts';
import { listensForSsh, sshSession } from '../../setup/session.ts';
import { writeDurable } from '../../os/durable-file.ts';
import { readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command, CommandIo, ExitCode } from '../command.ts';

const HELP = `leakguard setup: turn this machine into a box: name its two ports, bridge them, block all traffic until it is judged

  leakguard setup --lan PORT --wan PORT         show what would change
  leakguard setup --lan PORT --wan PORT --yes   make the changes; they take effect at the next restart
  leakguard setup --undo [--yes] [--now]        show or make the changes that undo the setup
  leakguard setup --new-code                    print a new code for the first visit of the page; the old code becomes invalid

  PORT is a current name (eth0), mac:02:00:00:00:00:0c, or path:platform-fd580000.ethernet (udev's ID_PATH; * and ? match).
  lan is the port to the laptop, wan the port to the network.

  --management HOW  the box's own address in a new policy: dhcp (default), none, or an address such as 192.0.2.9/24
  --ssh             in a new policy: open TCP port 22 of the box, on lan only (management.ssh)
  --lamp HOW        the status LED in a new policy, as YAML: '{driver: leds, red: RED, green: GREEN}' (default none)
  --cut-ssh         go ahead even if the current ssh session will be cut off
  --now             with --undo: remove the bridge at once, not at the next restart
  --root DIR        change the files of another machine, below DIR
  --json            print changes and warnings as one JSON object

A policy is written only if there is none, and is never removed. --yes prints, once, a code that the first visit of the page
asks for. The code is no longer needed once a password has been chosen. If the password is forgotten, delete password.json in
/var/lib/leakguard-web, run this command with --new-code, and restart leakguard-web.

Exit codes: 0 done or shown, 2 usage error, invalid policy, or ssh would be cut off; 3 a file could not be written.
`;

const OPTIONS = {
  lan: { type: 'string' },
  wan: { type: 'string' },
  root: { type: 'string', default: '/' },
  management: { type: 'string', default: 'dhcp' },
  lamp: { type: 'string', default: '{driver: none}' },
  ssh: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  undo: { type: 'boolean', default: false },
  now: { type: 'boolean', default: false },
  'new-code': { type: 'boolean', default: false },
  'cut-ssh': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const POLICY = 'etc/leakguard/policy.yaml';

export const setupCommand: Command = {
  name: 'setup',
  summary: 'turn this machine into a box, or undo that; shows first what would change',
  help: HELP,
  async run(args, io) {
    try {
      return await setup(args, io);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      const exitCode = error.code === 'write' ? 3 : 2;
      throw new CommandError(exitCode, error.code, `${error.message}.`, error.remedy, error);
    }
  },
};

async function setup(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values } = readArguments('setup', args, OPTIONS);
  const { root, undo, yes } = values;
  if (values['new-code']) return printNewCode(root, values.json, io);
  const plan = undo ? undefined : planOf(values);
  const wanted = plan?.wanted ?? [];
  const changes = undo ? changesBack(root) : changesTo(root, wanted);
  const policy = plan?.policy;
  const shown: readonly Change[] =
    policy === undefined
      ? changes
      : [...changes, { path: POLICY, before: undefined, after: { kind: 'file', content: policy } }];
  const cuts = root === '/' ? cutsOf(plan) : [];
  const warnings = root === '/' && cuts.length === 0 ? sshServerWarning(plan) : cuts;
  if (!values.json) io.stdout.write(shown.map((change) => `${differenceText(change)}\n`).join(''));
  if (yes && cuts.length > 0 && !values['cut-ssh'])
    throw new CommandError(2, 'ssh', cuts.join(' '), 'Add --cut-ssh to go ahead anyway.');
  if (yes) {
    apply(root, wanted);
    if (policy !== undefined) {
      mkdirSync(dirname(join(root, POLICY)), { recursive: true });
      writeDurable(join(root, POLICY), policy, 0o644);
    }
    if (root === '/') await reloadSystem(undo && values.now, bridgeOf(root));
  }
  if (yes && undo) dropFirstCode(root);
  const code = yes && !undo ? firstCodeIfNone(root) : undefined;
  const lost = yes && !undo && code === undefined && !hasPassword(root);
  const codeLines = lost
    ? [
        'The first visit of the page asks for the code that was printed before; for a new one, run: leakguard setup --new-code',
      ]
    : codeWords(code);
  const next = nextWords({ yes, undo, now: values.now, any: shown.length > 0 });
  if (values.json)
    io.stdout.write(`${JSON.stringify({ applied: yes, changes: shown, warnings, firstCode: code })}\n`);
  else io.stdout.write([...warnings, ...codeLines, next].map((line) => `${line}\n`).join(''));
  return 0;
}

function printNewCode(root: string, json: boolean, io: CommandIo): ExitCode {
  if (hasPassword(root))
    throw new CommandError(
      2,
      'password',
      'A password has already been chosen, so no code is needed.',
      'If it is forgotten, delete /var/lib/leakguard-web/password.json, run this again, and restart leakguard-web.',
    );
  const code = newFirstCode(root);
  io.stdout.write(json ? `${JSON.stringify({ firstCode: code })}\n` : `${codeWords(code).join('\n')}\n`);
  return 0;
}

function codeWords(code: string | undefined): readonly string[] {
  return code === undefined
    ? []
    : [`On the first visit of the page you choose a password; it then asks for this code: ${code}`];
}

interface Plan {
  readonly wanted: readonly Wanted[];
  /** Current names of the interfaces on which ssh can reach the box if the policy opens it: the lan port and the bridge. */
  readonly inside: readonly string[];
  /** Current name of the wan port. */
  readonly outside: readonly string[];
  readonly opensSsh: boolean;
  /** The policy to write; undefined when the machine has one. */
  readonly policy: string | undefined;
}

function planOf(values: {
  readonly lan?: string | undefined;
  readonly wan?: string | undefined;
  readonly root: string;
  readonly management: string;
  readonly lamp: string;
  readonly ssh: boolean;
}): Plan {
  const { lan, wan, root } = values;
  if (lan === undefined || wan === undefined || lan === wan)
    throw new SetupError(
      'usage',
      'Two different ports are needed',
      'Use --lan PORT --wan PORT; `ip link` lists the ports.',
    );
  const [inner, outer] = portPair(lan, wan, root);
  const path = join(root, POLICY);
  const exists = existsSync(path);
  const text = exists ? readFileSync(path, 'utf8') : filled('policy.in', firstPolicy(values));
  const policy = validPolicy(exists ? path : 'the policy to be written', text);
  return {
    wanted: wantedFiles({
      lan: inner.match,
      wan: outer.match,
      bridge: policy.bridge,
      management: policy.management.address,
      webPort: policy.web.port,
      lamp: policy.lamp.driver,
    }),
    inside: [inner.name, policy.bridge.name].filter((name) => name !== undefined),
    outside: [outer.name].filter((name) => name !== undefined),
    opensSsh: policy.management.ssh,
    policy: exists ? undefined : text,
  };
}

interface FirstPolicy {
  readonly management: string;
  readonly lamp: string;
  readonly ssh: boolean;
}

function firstPolicy({ management, lamp, ssh }: FirstPolicy): Readonly<Record<string, string>> {
  const ports = { BRIDGE: 'br0', LAN: 'lan0', WAN: 'wan0' };
  return { ...ports, MANAGEMENT: management, SSH: String(ssh), LAMP: lamp };
}

function validPolicy(where: string, text: string): Policy {
  const parsed = parsePolicy(text);
  if (parsed.ok) return parsed.policy;
  const faults = parsed.faults.map(({ path, message, remedy }) => `${path} ${message} (${remedy})`.trim());
  throw new SetupError('policy', `${where} is not valid`, faults.join('\n'));
}

/** Warnings that the current ssh session will be cut off. `plan` is undefined with --undo. */
function cutsOf(plan: Plan | undefined): readonly string[] {
  const session = sshSession();
  if (session === undefined) return [];
  const { interface: name, port } = session;
  const connected = `You are connected by ssh through ${name}`;
  if (plan === undefined)
    return name === bridgeOf('/')
      ? [`${connected}: this bridge will be removed, which cuts you off at the next restart at the latest.`]
      : [];
  if (plan.outside.includes(name))
    return [`${connected}: after the next restart the box answers nothing on wan.`];
  if (!plan.inside.includes(name) || (plan.opensSsh && port === SSH_PORT)) return [];
  const only = plan.opensSsh ? `its page and TCP port ${String(SSH_PORT)}` : 'its page';
  return [
    `${connected}: after the next restart the box answers nothing except ${only}, on lan.${openWords(plan)}`,
  ];
}

/** Warns that an ssh server on this machine will become unreachable. */
function sshServerWarning(plan: Plan | undefined): readonly string[] {
  if (plan === undefined || plan.opensSsh || !listensForSsh()) return [];
  return [`An ssh server is listening on this machine and will not be reachable.${openWords(plan)}`];
}

function openWords({ opensSsh, policy }: Plan): string {
  if (opensSsh) return '';
  const how = policy === undefined ? '' : ', or use --ssh';
  return ` To allow ssh on lan, set ssh: true under management in /${POLICY}${how}.`;
}

function bridgeOf(root: string): string {
  try {
    const parsed = parsePolicy(readFileSync(join(root, POLICY), 'utf8'));
    return parsed.ok ? parsed.policy.bridge.name : 'br0';
  } catch {
    return 'br0';
  }
}

/** Makes running services reload their configuration; a service that is not installed or fails is ignored. */
async function reloadSystem(bridgeGoes: boolean, bridge: string): Promise<void> {
  const attempt = async (command: string, ...args: string[]): Promise<void> => {
    try {
      await run(command, args);
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
    }
  };
  if (!existsSync('/run/systemd/system')) return;
  await attempt('systemctl', 'daemon-reload');
  if (!bridgeGoes) return;
  await attempt('ip', 'link', 'del', bridge);
  await attempt('networkctl', 'reload');
  await attempt('nmcli', 'general', 'reload', 'conf');
}

function nextWords(done: {
  readonly yes: boolean;
  readonly undo: boolean;
  readonly now: boolean;
  readonly any: boolean;
}): string {
  if (!done.any) return 'Nothing to change: the machine is already in this state.';
  if (!done.yes) return 'Nothing was changed. Add --yes to make these changes.';
  if (done.undo)
    return 'Undone. Restart the machine: its ports then have their old names and settings again.';
  return 'Done. Restart the machine: all traffic is then blocked until the guard is running, and the page is reachable on lan.';
}
