// `leakguard tunnels`. Imports and learned endpoints are shown first and trusted only after confirmation; keys in a file are never shown.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

import type { Proposal } from '../../../src/api/box.ts';
import type { ApiClient } from '../../../src/api/client.ts';
import type { Body } from '../../../src/api/endpoints.ts';
import { printable, TUNNEL_STATE_WORDS } from '../../../src/api/shown.ts';
import type { Status } from '../../../src/api/status.ts';
import { anywhereWords, isAnywhere } from '../../../src/policy/servers/anywhere.ts';
import { formatEndpoint, parseEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { IMPORT_FORMATS, importConfig } from '../../../src/policy/import/import.ts';
import { MAX_IMPORT_BYTES } from '../../../src/policy/import/imported.ts';
import { TUNNEL_PROTOCOLS } from '../../../src/api/words.ts';
import { daemonAt } from '../api-client.ts';
import { serverLines } from '../status-screen.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command, CommandIo, ExitCode } from '../command.ts';
import { canAsk, confirmed, typed } from '../confirm.ts';

const HELP = `leakguard tunnels: manage the trusted tunnels

  leakguard tunnels [list]                          list the tunnels of the policy, their states and all their endpoints
  leakguard tunnels add NAME PROTOCOL ENDPOINT…     e.g. add home wireguard udp:198.51.100.7:51820
  leakguard tunnels remove NAME [ENDPOINT]          remove the tunnel, or only this endpoint of it
  leakguard tunnels import FILE [--name NAME]       import a VPN configuration; only its servers are read (.conf, .ovpn,
                                                    .netdev, .nmconnection, .mobileconfig, swanctl.conf)
  leakguard tunnels learn [ENDPOINT]                show the handshakes that were seen; with ENDPOINT, trust that one

  --service NAME, --protocol NAME   when importing a server list: only this service's servers, only this protocol
  --name NAME    name of the tunnel (default: the name of the file or the protocol)
  --yes          do not ask for confirmation
  --add          if there is a tunnel of that name: trust these servers as well as its own
  --replace      if there is a tunnel of that name: trust these servers instead of its own
  --anywhere     with add: confirm peers anywhere (udp:0.0.0.0/0:*), which wireguard, tailscale, nebula and zerotier may have
  --zerotier N   with add: the node ID of this device, as shown by zerotier-cli info
  --json         print one JSON object; import and learn then change nothing without --yes
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

The policy file keeps its comments. Exit codes: 0 success, 2 usage error or refused, 3 no daemon.
`;

const OPTIONS = {
  ...API_OPTIONS,
  name: { type: 'string' },
  yes: { type: 'boolean', default: false },
  add: { type: 'boolean', default: false },
  replace: { type: 'boolean', default: false },
  service: { type: 'string' },
  protocol: { type: 'string' },
  anywhere: { type: 'boolean', default: false },
  zerotier: { type: 'string' },
} as const;
type Values = ReturnType<typeof readArguments<typeof OPTIONS>>['values'];

export const tunnelsCommand: Command = {
  name: 'tunnels',
  summary: 'list|add|remove|import FILE|learn: manage the trusted tunnels',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('tunnels', args, OPTIONS, 64);
    const [word = 'list', ...words] = positionals;
    if (values.add && values.replace) throw usage('--add and --replace exclude each other.');
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
        throw usage(`There is no "tunnels ${word}".`);
    }
  },
};

async function list(client: ApiClient, { json }: Values, io: CommandIo): Promise<ExitCode> {
  const { tunnels } = await client.ask('tunnels');
  const lines = tunnels.flatMap((t) => [
    `${t.name}  ${t.protocol}  ${TUNNEL_STATE_WORDS[t.state]}${t.listed === undefined ? '' : `  list dated ${t.listed}${t.listIsOld === true ? ', outdated: import a new one' : ''}`}`,
    ...serverLines(t, new Date()),
    ...(t.limits === undefined ? [] : [`  ${t.limits}`]),
  ]);
  const none = 'No tunnel is trusted yet. See "leakguard tunnels --help".';
  return say(io, json, { tunnels }, lines.length === 0 ? [none] : lines);
}

const TRUST_IT = 'Trust it?';

/** What the user has said about a tunnel that has the name already. */
function existingOf({ add, replace }: Values): { readonly existing?: 'add' | 'replace' } {
  if (add) return { existing: 'add' };
  return replace ? { existing: 'replace' } : {};
}

type Existing = NonNullable<ReturnType<typeof existingOf>['existing']>;

/** Asks what becomes of the tunnel that has the name; undefined: nothing is to be changed. */
async function askExisting(io: CommandIo): Promise<Existing | undefined> {
  const answer = await typed(io, 'Add these servers to it, or replace its own? Type add or replace: ');
  return answer === 'add' || answer === 'replace' ? answer : undefined;
}

/**
 * Sends the request; if a tunnel has that name and it was not said what becomes of it, asks on a terminal and sends it again. Undefined:
 * the user wants nothing changed. Without a terminal the daemon's refusal stands.
 */
async function asking<T>(
  values: Values,
  io: CommandIo,
  send: (said: { readonly existing?: Existing }) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await send(existingOf(values));
  } catch (error) {
    if (!isExists(error)) throw error;
    if (values.json || !canAsk(io)) throw existsError(error);
    io.stdout.write(`${printable(sentence(error.message))}\n`);
    const existing = await askExisting(io);
    return existing === undefined ? undefined : await send({ existing });
  }
}

/** The daemon refuses, because a tunnel has that name and it was not said what becomes of it. */
function isExists(error: unknown): error is CommandError {
  return error instanceof CommandError && error.code === 'exists';
}

function existsError(fault: CommandError): CommandError {
  return new CommandError(
    2,
    'exists',
    sentence(fault.message),
    'Say --add to trust these servers as well, --replace to trust them instead, or choose another --name.',
    fault,
  );
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Whom the tunnel trusts now, after a change. */
function nowTrusted({ tunnels }: Status, name: string): readonly string[] {
  const tunnel = tunnels.find((known) => known.name === name);
  if (tunnel === undefined) return [];
  const { servers = [], endpoints = servers.length } = tunnel;
  const shown = servers.map(({ endpoint }) => endpoint);
  const more = endpoints - shown.length;
  const rest = more > 0 ? ` and ${String(more)} more (leakguard tunnels list shows all)` : '';
  return [`${name} now trusts ${shown.join(', ')}${rest}.`];
}

async function add(
  client: ApiClient,
  words: readonly string[],
  values: Values,
  io: CommandIo,
): Promise<ExitCode> {
  const { json, anywhere, zerotier, yes } = values;
  const [name, protocol, ...endpoints] = words;
  if (name === undefined || protocol === undefined || endpoints.length === 0)
    throw usage('A tunnel needs a name, a protocol and an endpoint.');
  // Peers anywhere need a separate confirmation; --yes does not cover it.
  const warning = anywhereWarning(protocol, endpoints);
  let allowsAnywhere = anywhere;
  if (warning !== undefined && !allowsAnywhere && !json && !yes) {
    io.stdout.write(`${warning}\n`);
    allowsAnywhere = await confirmed(io, TRUST_IT);
  }
  const body = {
    name,
    protocol,
    endpoints,
    ...(zerotier === undefined ? {} : { zerotier }),
    ...(allowsAnywhere ? { anywhere: true } : {}),
  };
  const status = await asking(values, io, (said) => client.ask('addTunnel', { body: { ...body, ...said } }));
  return status === undefined
    ? say(io, json, {}, ['Nothing was changed.'])
    : say(io, json, status, nowTrusted(status, name));
}

/** What is still enforced when peers may be anywhere; undefined when no endpoint allows that. */
function anywhereWarning(protocol: string, endpoints: readonly string[]): string | undefined {
  const known = TUNNEL_PROTOCOLS.find((each) => each === protocol);
  const hasAnywhere = endpoints.some((text) => {
    const endpoint = parseEndpoint(text);
    return endpoint !== undefined && isAnywhere(endpoint);
  });
  const words = known === undefined || !hasAnywhere ? undefined : anywhereWords(known);
  return words === undefined ? undefined : `Peers may then be anywhere: ${words}.`;
}

async function remove(
  client: ApiClient,
  [name, text]: readonly string[],
  { json }: Values,
  io: CommandIo,
): Promise<ExitCode> {
  if (name === undefined) throw usage('No tunnel was named.');
  if (text !== undefined) {
    const parsed = parseEndpoint(text);
    const endpoint = parsed === undefined ? text : formatEndpoint(parsed);
    const status = await client.ask('removeEndpoint', { params: { name, endpoint } });
    return say(io, json, status, [`${endpoint} is no longer trusted.`, ...nowTrusted(status, name)]);
  }
  return say(io, json, await client.ask('removeTunnel', { params: { name } }), [
    `${name} is no longer trusted.`,
  ]);
}

async function take(
  client: ApiClient,
  [file]: readonly string[],
  values: Values,
  io: CommandIo,
): Promise<ExitCode> {
  const { json, name: given, yes, service, protocol } = values;
  if (file === undefined) throw usage('No file was given.');
  const read = await readFile(file).catch((cause: unknown) => {
    throw new CommandError(2, 'no-file', `${file} cannot be read.`, 'Check the file name.', cause);
  });
  const name = given ?? basename(file).replace(/\.[^.]+$/, '');
  const request = sendable(read, { service, protocol });
  const body = { ...request, name, ...existingOf(values) };
  // With --yes the first request imports the tunnel; the output is the same.
  const found = await client
    .ask('importTunnel', { body: { ...body, ...(yes ? { yes } : {}) } })
    .catch((error: unknown) => {
      throw isExists(error) ? existsError(error) : error;
    });
  const { proposal, change, existing, unused } = found;
  const summary = [
    `${name}: ${proposal.protocol} to ${serversText(proposal.endpoints)}`,
    ...(existing === undefined
      ? []
      : [
          `there is already a tunnel ${name} (${existing.protocol}), which trusts ${serversText(existing.endpoints)}`,
        ]),
    ...(change === undefined
      ? []
      : [
          `server list dated ${proposal.listed ?? ''}: adds ${change.added} servers and removes ${change.removed}, compared with what is trusted now`,
          ...change.examples.map((line) => `  ${line}`),
        ]),
    ...(['reserved', 'amnezia'] as const).flatMap((key) =>
      proposal[key] === undefined
        ? []
        : [`its packets are recognized only by ${key} ${JSON.stringify(proposal[key])}`],
    ),
    ...unused.map(({ line, why }) => `line ${line}: ${why}`),
  ];
  if (!json) io.stdout.write(`${summary.map((line) => printable(line)).join('\n')}\n`);
  const told = ({ status }: typeof found): readonly string[] =>
    status === undefined ? [`${name} is now trusted.`] : nowTrusted(status, name);
  if (yes) return say(io, json, found, told(found));
  const asks = existing !== undefined && existingOf(values).existing === undefined;
  const said = asks && !json && canAsk(io) ? await askExisting(io) : undefined;
  const isAgreed = asks ? said !== undefined : !json && (await confirmed(io, TRUST_IT));
  if (!isAgreed) return say(io, json, found, ['Nothing was changed.']);
  const done = await client.ask('importTunnel', {
    body: { ...body, ...(said === undefined ? {} : { existing: said }), yes: true },
  });
  return say(io, json, done, told(done));
}

/** Servers shown in one line. */
const SERVERS_SHOWN = 20;

function serversText(servers: readonly string[]): string {
  const more = servers.length - SERVERS_SHOWN;
  return `${servers.slice(0, SERVERS_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The file itself; a list that is too large to send, or that needs a choice of service or protocol, is parsed here and its servers are sent. */
function sendable(
  read: Buffer,
  choice: { readonly service?: string | undefined; readonly protocol?: string | undefined },
): Omit<Body<'importTunnel'>, 'name'> {
  if (read.length > MAX_LIST_BYTES) throw usage('The file is too large for a list of servers.');
  const isChosen = choice.service !== undefined || choice.protocol !== undefined;
  if (read.length <= MAX_IMPORT_BYTES && !isChosen) return { bytes: read.toString('base64') };
  const found = importConfig(read, choice);
  const [tunnel] = found?.tunnels ?? [];
  if (tunnel?.list === undefined)
    throw new CommandError(
      2,
      'no-list',
      found?.unused.map(({ why }) => why).join('; ') ??
        'The file is not a list of servers in a supported format.',
      `Supported formats: ${IMPORT_FORMATS}.`,
    );
  const { protocol, endpoints, list } = tunnel;
  return {
    protocol,
    endpoints: endpoints.map(formatEndpoint),
    ...(list.at === undefined ? {} : { listed: list.at }),
  };
}

/** For comparison: gluetun's list of all services is about ten million bytes. */
const MAX_LIST_BYTES = 64_000_000;

async function learn(
  client: ApiClient,
  [endpoint]: readonly string[],
  values: Values,
  io: CommandIo,
): Promise<ExitCode> {
  const { json, name, yes } = values;
  const seen = await client.ask('learnTunnel', { body: {} });
  const { proposals } = seen;
  const chosen = endpoint ?? (proposals.length === 1 ? proposals[0]?.endpoint : undefined);
  if (!json) {
    const lines = proposals.map(
      (p) => `${p.endpoint}  ${p.protocol}  ${String(Math.round(100 * p.confidence))} % sure: ${p.why}`,
    );
    const none =
      'No handshake was seen outside the trusted tunnels. Connect your VPN, then run this command again.';
    io.stdout.write(`${(lines.length === 0 ? [none] : lines).map((line) => printable(line)).join('\n')}\n`);
  }
  const isNamed = endpoint !== undefined && (yes || (!json && (await confirmed(io, TRUST_IT))));
  // An endpoint that was not named on the command line can only be confirmed at the prompt, after it was shown.
  const isAgreed =
    endpoint === undefined && chosen !== undefined && !json && !yes && (await confirmed(io, TRUST_IT));
  if (chosen === undefined || !(isNamed || isAgreed)) {
    if (json) io.stdout.write(`${JSON.stringify(seen)}\n`);
    return 0;
  }
  const body = { endpoint: chosen, ...(name === undefined ? {} : { name }) };
  const answer = await asking(values, io, (said) =>
    client.ask('learnTunnel', { body: { ...body, ...said } }),
  );
  if (answer === undefined) return say(io, json, seen, ['Nothing was changed.']);
  return say(io, json, answer, [
    `${chosen} is now trusted.`,
    ...(answer.status === undefined ? [] : nowTrusted(answer.status, name ?? protocolOf(proposals, chosen))),
  ]);
}

/** The name that the daemon gives a tunnel that was learned without one. */
function protocolOf(proposals: readonly Proposal[], chosen: string): string {
  return proposals.find(({ endpoint }) => endpoint === chosen)?.protocol ?? '';
}

function say(io: CommandIo, json: boolean, value: unknown, lines: readonly string[]): ExitCode {
  io.stdout.write(json ? `${JSON.stringify(value)}\n` : `${lines.map((l) => printable(l)).join('\n')}\n`);
  return 0;
}

function usage(message: string): CommandError {
  return new CommandError(2, 'usage', message, 'See "leakguard tunnels --help".');
}
