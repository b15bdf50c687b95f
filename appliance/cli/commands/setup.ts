// Knows: the words of `leakguard setup`. Must not know: what the files it writes say.
// Nothing changes without --yes, and nothing of the running network changes before a restart.

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

const HELP = `leakguard setup: makes this machine a box: names its two ports, bridges them, closes the wire until it is judged

  leakguard setup --lan PORT --wan PORT         shows what would change
  leakguard setup --lan PORT --wan PORT --yes   changes it; it holds from the next restart on
  leakguard setup --undo [--yes] [--now]        takes it all back
  leakguard setup --new-code                    another code for the first visit of the page; the one before is void

  PORT is a name of today (eth0), mac:02:00:00:00:00:0c, or path:platform-fd580000.ethernet (ID_PATH of udev; * and ?).
  lan is the port to the laptop, wan the one to the network.

  --management HOW  the box's own address in a new policy: dhcp (default), none, or 192.0.2.9/24
  --ssh             in a new policy: TCP 22 of the box is open, on lan only (management.ssh)
  --lamp HOW        the light in a new policy, as YAML: '{driver: leds, red: RED, green: GREEN}' (default none)
  --cut-ssh         yes, although the ssh session this runs in will find no way in any more
  --now             with --undo: the bridge goes at once, not at the next restart
  --root DIR        another machine's files, below DIR
  --json            changes and warnings as one JSON object

The policy is written only when there is none, and is never taken away. With --yes a code is printed, once, that the first
visit of the page asks for. A password once chosen ends it: who has forgotten that deletes password.json in
/var/lib/leakguard-web, says --new-code, and restarts leakguard-web.

Exit: 0 done or shown, 2 usage, a policy with faults, or ssh would be cut; 3 it could not be written.
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
  summary: 'makes this machine a box, or takes that back; shows first what would change',
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
  if (values['new-code']) return tellNewCode(root, values.json, io);
  const plan = undo ? undefined : planOf(values);
  const wanted = plan?.wanted ?? [];
  const changes = undo ? changesBack(root) : changesTo(root, wanted);
  const policy = plan?.policy;
  const shown: readonly Change[] =
    policy === undefined
      ? changes
      : [...changes, { path: POLICY, before: undefined, after: { kind: 'file', content: policy } }];
  const cuts = root === '/' ? cutsOf(plan) : [];
  const warnings = root === '/' && cuts.length === 0 ? serverWords(plan) : cuts;
  if (!values.json) io.stdout.write(shown.map((change) => `${differenceText(change)}\n`).join(''));
  if (yes && cuts.length > 0 && !values['cut-ssh'])
    throw new CommandError(2, 'ssh', cuts.join(' '), 'Say --cut-ssh if that is what you want.');
  if (yes) {
    apply(root, wanted);
    if (policy !== undefined) {
      mkdirSync(dirname(join(root, POLICY)), { recursive: true });
      writeDurable(join(root, POLICY), policy, 0o644);
    }
    if (root === '/') await tellSystem(undo && values.now, bridgeOf(root));
  }
  if (yes && undo) dropFirstCode(root);
  const code = yes && !undo ? firstCodeIfNone(root) : undefined;
  const lost = yes && !undo && code === undefined && !hasPassword(root);
  const said = lost
    ? ['The first visit asks for the code that was printed before; another one: leakguard setup --new-code']
    : codeWords(code);
  const next = nextWords({ yes, undo, now: values.now, any: shown.length > 0 });
  if (values.json)
    io.stdout.write(`${JSON.stringify({ applied: yes, changes: shown, warnings, firstCode: code })}\n`);
  else io.stdout.write([...warnings, ...said, next].map((line) => `${line}\n`).join(''));
  return 0;
}

function tellNewCode(root: string, json: boolean, io: CommandIo): ExitCode {
  if (hasPassword(root))
    throw new CommandError(
      2,
      'password',
      'A password has been chosen: no code is asked for.',
      'Who has forgotten it deletes /var/lib/leakguard-web/password.json, says this again, and restarts leakguard-web.',
    );
  const code = newFirstCode(root);
  io.stdout.write(json ? `${JSON.stringify({ firstCode: code })}\n` : `${codeWords(code).join('\n')}\n`);
  return 0;
}

function codeWords(code: string | undefined): readonly string[] {
  return code === undefined
    ? []
    : [`The first visit of the page chooses the password and asks for this code: ${code}`];
}

interface Plan {
  readonly wanted: readonly Wanted[];
  /** Names of today; those through which ssh comes to the box when its door is open, and wan. */
  readonly inside: readonly string[];
  readonly outside: readonly string[];
  readonly opensSsh: boolean;
  /** A policy to write; undefined when there is one. */
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
    throw new SetupError('usage', 'Which two ports', 'Say --lan PORT --wan PORT; `ip link` lists them.');
  const [inner, outer] = portPair(lan, wan, root);
  const path = join(root, POLICY);
  const given = existsSync(path);
  const text = given ? readFileSync(path, 'utf8') : filled('policy.in', firstPolicy(values));
  const policy = validPolicy(given ? path : 'the policy to be written', text);
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
    policy: given ? undefined : text,
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
  throw new SetupError('policy', `${where} has faults`, faults.join('\n'));
}

/** Only what would surprise: the session that this runs in. Without a plan all is taken back. */
function cutsOf(plan: Plan | undefined): readonly string[] {
  const session = sshSession();
  if (session === undefined) return [];
  const { interface: name, port } = session;
  const came = `You came in by ssh through ${name}`;
  if (plan === undefined)
    return name === bridgeOf('/')
      ? [`${came}: that bridge goes, and at the latest a restart cuts you off.`]
      : [];
  if (plan.outside.includes(name))
    return [`${came}: from the next restart on the box answers nothing on wan.`];
  if (!plan.inside.includes(name) || (plan.opensSsh && port === SSH_PORT)) return [];
  const only = plan.opensSsh ? `its page and TCP ${String(SSH_PORT)}` : 'its page';
  return [`${came}: from the next restart on the box answers nothing but ${only}, on lan.${openWords(plan)}`];
}

/** A server that will listen in vain is told of; nobody is cut off. */
function serverWords(plan: Plan | undefined): readonly string[] {
  if (plan === undefined || plan.opensSsh || !listensForSsh()) return [];
  return [`An ssh server listens here, and nobody will reach it.${openWords(plan)}`];
}

function openWords({ opensSsh, policy }: Plan): string {
  if (opensSsh) return '';
  const how = policy === undefined ? '' : ', which --ssh does';
  return ` To have ssh on lan, write ssh: true under management in /${POLICY}${how}.`;
}

function bridgeOf(root: string): string {
  try {
    const parsed = parsePolicy(readFileSync(join(root, POLICY), 'utf8'));
    return parsed.ok ? parsed.policy.bridge.name : 'br0';
  } catch {
    return 'br0';
  }
}

/** What runs already is told; what is not there need not be. */
async function tellSystem(bridgeGoes: boolean, bridge: string): Promise<void> {
  const tell = async (command: string, ...args: string[]): Promise<void> => {
    try {
      await run(command, args);
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
    }
  };
  if (!existsSync('/run/systemd/system')) return;
  await tell('systemctl', 'daemon-reload');
  if (!bridgeGoes) return;
  await tell('ip', 'link', 'del', bridge);
  await tell('networkctl', 'reload');
  await tell('nmcli', 'general', 'reload', 'conf');
}

function nextWords(done: {
  readonly yes: boolean;
  readonly undo: boolean;
  readonly now: boolean;
  readonly any: boolean;
}): string {
  if (!done.any) return 'Nothing changes: the machine is as it should be.';
  if (!done.yes) return 'Nothing was changed. Say --yes to do it.';
  if (done.undo) return `Taken back. Restart the machine: its ports then have their old names and settings.`;
  return 'Written. Restart the machine: the wire is then closed until the guard has seen it, and the page answers on lan.';
}
