// Knows: the words of `leakguard tunnels`. Must not know: how a policy file is written, what a handshake looks like.
// Proposed first; nothing is trusted without a yes. A file's keys are never shown.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';

import type { ApiClient } from '../../../src/api/client.ts';
import type { Body } from '../../../src/api/endpoints.ts';
import { printable } from '../../../src/api/shown.ts';
import { anywhereWords, isAnywhere } from '../../../src/policy/servers/anywhere.ts';
import { formatEndpoint, parseEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { IMPORT_FORMATS, importConfig } from '../../../src/policy/import/import.ts';
import { IMPORT_MOST } from '../../../src/policy/import/imported.ts';
import { TUNNEL_PROTOCOLS } from '../../../src/api/words.ts';
import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command, CommandIo, ExitCode } from '../command.ts';

const HELP = `leakguard tunnels: which tunnels are trusted

  leakguard tunnels [list]                          the tunnels of the policy, and which are up
  leakguard tunnels add NAME PROTOCOL ENDPOINT…     e.g. add home wireguard udp:198.51.100.7:51820
  leakguard tunnels remove NAME
  leakguard tunnels import FILE [--name NAME]       a VPN's configuration; only its servers are read (.conf, .ovpn,
                                                    .netdev, .nmconnection, .mobileconfig, swanctl.conf)
  leakguard tunnels learn [ENDPOINT]                what was seen to begin; with ENDPOINT, trust that one

  --service NAME, --protocol NAME   of a list: whose servers, and of which protocol
  --name NAME    what the tunnel is called (default: the file's or the protocol's name)
  --yes          do not ask
  --anywhere     of add: yes to peers anywhere (udp:0.0.0.0/0:*), which wireguard, tailscale, nebula and zerotier may have
  --zerotier N   of add: the node of this device, as zerotier-cli info shows it
  --json         one JSON object; without --yes nothing is changed by import and learn
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

The policy file keeps its comments. Exit: 0 done, 2 usage or refused, 3 no daemon.
`;

const OPTIONS = {
  ...API_OPTIONS,
  name: { type: 'string' },
  yes: { type: 'boolean', default: false },
  service: { type: 'string' },
  protocol: { type: 'string' },
  anywhere: { type: 'boolean', default: false },
  zerotier: { type: 'string' },
} as const;
type Values = ReturnType<typeof readArguments<typeof OPTIONS>>['values'];

export const tunnelsCommand: Command = {
  name: 'tunnels',
  summary: 'list|add|remove|import FILE|learn: which tunnels are trusted',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('tunnels', args, OPTIONS, 64);
    const [word = 'list', ...words] = positionals;
    const client = daemonAt(values.api);
    switch (word) {
      case 'list':
        return list(client, values, io);
      case 'add':
        return add(client, words, values, io);
      case 'remove':
        return remove(client, words, values, io);
      case 'import':
        return take(client, words, values, io);
      case 'learn':
        return learn(client, words, values, io);
      default:
        throw usage(`"${word}" is nothing that can be done with tunnels.`);
    }
  },
};

async function list(client: ApiClient, { json }: Values, io: CommandIo): Promise<ExitCode> {
  const { tunnels } = await client.ask('status');
  const lines = tunnels.flatMap((t) => [
    printable(
      `${t.name}  ${t.protocol}  ${t.endpoint}  ${t.state}${t.listed === undefined ? '' : `  list of ${t.listed}${t.listIsOld === true ? ', old: import a new one' : ''}`}`,
    ),
    ...(t.limits === undefined ? [] : [`  ${printable(t.limits)}`]),
  ]);
  const none = 'No tunnel is trusted yet. See "leakguard tunnels --help".';
  return say(io, json, { tunnels }, lines.length === 0 ? [none] : lines);
}

async function add(
  client: ApiClient,
  words: readonly string[],
  { json, anywhere, zerotier, yes }: Values,
  io: CommandIo,
): Promise<ExitCode> {
  const [name, protocol, ...endpoints] = words;
  if (name === undefined || protocol === undefined || endpoints.length === 0)
    throw usage('A tunnel needs a name, a protocol and an endpoint.');
  // Peers anywhere take a yes to that, and no other.
  const told = wideWords(protocol, endpoints);
  let isMeant = anywhere;
  if (told !== undefined && !isMeant && !json && !yes) {
    io.stdout.write(`${told}\n`);
    isMeant = await agreed(io);
  }
  const status = await client.ask('addTunnel', {
    body: {
      name,
      protocol,
      endpoints,
      ...(zerotier === undefined ? {} : { zerotier }),
      ...(isMeant ? { anywhere: true } : {}),
    },
  });
  return say(io, json, status, [`${name} is trusted now: ${endpoints.join(', ')}.`]);
}

/** What is held where peers may be anywhere. */
function wideWords(protocol: string, endpoints: readonly string[]): string | undefined {
  const known = TUNNEL_PROTOCOLS.find((one) => one === protocol);
  const isWide = endpoints.some((text) => {
    const endpoint = parseEndpoint(text);
    return endpoint !== undefined && isAnywhere(endpoint);
  });
  const words = known === undefined || !isWide ? undefined : anywhereWords(known);
  return words === undefined ? undefined : `Peers may be anywhere then: ${words}.`;
}

async function remove(
  client: ApiClient,
  [name]: readonly string[],
  { json }: Values,
  io: CommandIo,
): Promise<ExitCode> {
  if (name === undefined) throw usage('Which tunnel?');
  return say(io, json, await client.ask('removeTunnel', { params: { name } }), [
    `${name} is not trusted any more.`,
  ]);
}

async function take(
  client: ApiClient,
  [file]: readonly string[],
  { json, name: given, yes, service, protocol }: Values,
  io: CommandIo,
): Promise<ExitCode> {
  if (file === undefined) throw usage('Which file?');
  const read = await readFile(file).catch((cause: unknown) => {
    throw new CommandError(2, 'no-file', `${file} cannot be read.`, 'Is the name right?', cause);
  });
  const name = given ?? basename(file).replace(/\.[^.]+$/, '');
  const request = sendable(read, { service, protocol });
  // Who says yes beforehand needs to be asked nothing, and reads the same afterwards.
  const found = await client.ask('importTunnel', { body: { ...request, name, ...(yes ? { yes } : {}) } });
  const { proposal, change, unused } = found;
  const told = [
    `${name}: ${proposal.protocol} to ${serversText(proposal.endpoints)}`,
    ...(change === undefined
      ? []
      : [
          `a list of ${proposal.listed ?? ''}: ${change.added} servers more, ${change.removed} less than are trusted now`,
          ...change.examples.map((line) => `  ${line}`),
        ]),
    ...(['reserved', 'amnezia'] as const).flatMap((key) =>
      proposal[key] === undefined
        ? []
        : [`its packets are known by ${key} ${JSON.stringify(proposal[key])}, and by that alone`],
    ),
    ...unused.map(({ line, why }) => `line ${line}: ${why}`),
  ];
  if (!json) io.stdout.write(`${told.map((line) => printable(line)).join('\n')}\n`);
  if (yes) return say(io, json, found, [`${name} is trusted now.`]);
  if (json || !(await agreed(io))) return say(io, json, found, ['Nothing was changed.']);
  const done = await client.ask('importTunnel', { body: { ...request, name, yes: true } });
  return say(io, json, done, [`${name} is trusted now.`]);
}

/** As many servers as one line tells. */
const SERVERS_TOLD = 20;

function serversText(servers: readonly string[]): string {
  const more = servers.length - SERVERS_TOLD;
  return `${servers.slice(0, SERVERS_TOLD).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The file itself; of a list that is too large for that, or of several services, what it comes to is read here. */
function sendable(
  read: Buffer,
  choice: { readonly service?: string | undefined; readonly protocol?: string | undefined },
): Omit<Body<'importTunnel'>, 'name'> {
  if (read.length > LIST_MOST) throw usage('That file is too large for a list of servers.');
  const isChosen = choice.service !== undefined || choice.protocol !== undefined;
  if (read.length <= IMPORT_MOST && !isChosen) return { bytes: read.toString('base64') };
  const found = importConfig(read, choice);
  const [tunnel] = found?.tunnels ?? [];
  if (tunnel?.list === undefined)
    throw new CommandError(
      2,
      'no-list',
      found?.unused.map(({ why }) => why).join('; ') ?? 'That is no list of servers that is read here.',
      `What is read: ${IMPORT_FORMATS}.`,
    );
  const { protocol, endpoints, list } = tunnel;
  return {
    protocol,
    endpoints: endpoints.map(formatEndpoint),
    ...(list.at === undefined ? {} : { listed: list.at }),
  };
}

/** gluetun's list of all services has some ten million bytes. */
const LIST_MOST = 64_000_000;

async function learn(
  client: ApiClient,
  [endpoint]: readonly string[],
  { json, name, yes }: Values,
  io: CommandIo,
): Promise<ExitCode> {
  const seen = await client.ask('learnTunnel', { body: {} });
  const { proposals } = seen;
  const chosen = endpoint ?? (proposals.length === 1 ? proposals[0]?.endpoint : undefined);
  if (!json) {
    const lines = proposals.map(
      (p) => `${p.endpoint}  ${p.protocol}  ${String(Math.round(100 * p.confidence))} % sure: ${p.why}`,
    );
    const none = 'No handshake was seen outside the trusted tunnels. Connect your VPN, then ask again.';
    io.stdout.write(`${(lines.length === 0 ? [none] : lines).map((line) => printable(line)).join('\n')}\n`);
  }
  const isNamed = endpoint !== undefined && (yes || (!json && (await agreed(io))));
  // Only a person who saw what it is may agree to the one that was not named.
  const isAgreed = endpoint === undefined && chosen !== undefined && !json && !yes && (await agreed(io));
  if (chosen === undefined || !(isNamed || isAgreed)) {
    if (json) io.stdout.write(`${JSON.stringify(seen)}\n`);
    return 0;
  }
  const body = { endpoint: chosen, ...(name === undefined ? {} : { name }) };
  const answer = await client.ask('learnTunnel', { body });
  return say(io, json, answer, [`${chosen} is trusted now.`]);
}

/** Asks; whoever cannot be asked has not said yes. */
async function agreed(io: CommandIo): Promise<boolean> {
  if (!io.terminal || io.screen === undefined) return false;
  const asking = createInterface({ input: io.stdin, output: io.stderr });
  try {
    const said = await asking.question('Trust it? Only yes is yes: ', { signal: io.signal });
    return said.trim().toLowerCase() === 'yes';
  } catch {
    // Ended by a signal or by the end of input: no yes.
    return false;
  } finally {
    asking.close();
  }
}

function say(io: CommandIo, json: boolean, value: unknown, lines: readonly string[]): ExitCode {
  io.stdout.write(json ? `${JSON.stringify(value)}\n` : `${lines.map((l) => printable(l)).join('\n')}\n`);
  return 0;
}

function usage(message: string): CommandError {
  return new CommandError(2, 'usage', message, 'See "leakguard tunnels --help".');
}
