// Renders the tunnel pages. Names and addresses come from the wire and from files: made printable here, and escaped by EJS.

import type { ImportAnswer, Proposal } from '../../../src/api/box.ts';
import { printable, serverText, TUNNEL_STATE_WORDS } from '../../../src/api/shown.ts';
import type { TunnelView } from '../../../src/api/status.ts';
import { filled } from '../dossier/eve-words.ts';
import { withFaults } from '../../fields.ts';
import type { FieldPath } from '../../fields.ts';
import { BOX_SHEETS } from '../../render.ts';
import type { Around, Renderer } from '../../render.ts';
import { PROTOCOL_TEXTS, TUNNEL_TEXTS } from './texts-tunnels.ts';
import { TEXTS } from '../../texts.ts';
import { clockTime } from '../status/view-model.ts';

/** Most servers shown per tunnel; the list of a provider may have thousands. */
const SERVERS = 50;

/** The values of the form that adds a tunnel. */
export interface TunnelForm {
  readonly name: string;
  readonly protocol: string;
  /** One per line. */
  readonly endpoints: string;
  /** ZeroTier only: the node of this device. */
  readonly zerotier?: string;
  readonly anywhere?: boolean;
  /** What becomes of the tunnel that has the name; '' if it was not said. */
  readonly existing?: string;
}

/** What the list of tunnels shows. */
export interface TunnelsParts extends Around {
  /** Undefined if the daemon gave no answer. */
  readonly tunnels: readonly TunnelView[] | undefined;
  readonly proposals: readonly Proposal[];
  /** What the form holds: empty, or as it was sent when it was refused. */
  readonly filledIn: TunnelForm;
}

const clockNow = (iso: string): string => clockTime(iso, new Date().toISOString());

const protocolWord = (protocol: string): string =>
  PROTOCOL_TEXTS.find(([known]) => known === protocol)?.[1] ?? protocol;

/** The word for a confidence from 0 to 1 (Proposal): `high` from 0.9, `fair` from 0.6, otherwise `low`. */
export function sureness(confidence: number): keyof typeof TUNNEL_TEXTS.sure {
  if (confidence >= 0.9) return 'high';
  return confidence >= 0.6 ? 'fair' : 'low';
}

function draw(
  renderer: Renderer,
  view: string,
  { notice }: Around,
  values: Readonly<Record<string, unknown>>,
): string {
  return renderer.framed({
    title: `${TUNNEL_TEXTS.title} · ${TEXTS.product}`,
    notice,
    here: '/tunnels',
    sheets: BOX_SHEETS,
    body: renderer.draw(view, {
      w: TUNNEL_TEXTS,
      states: TUNNEL_STATE_WORDS,
      clockTime: clockNow,
      protocolWord,
      filled,
      sureness,
      ...values,
    }),
  });
}

function tunnelFields({
  name,
  protocol,
  endpoints,
  zerotier = '',
  anywhere = false,
}: TunnelForm): readonly FieldPath[] {
  const { endpointsNote } = TUNNEL_TEXTS;
  return [
    {
      path: 'name',
      name: 'name',
      label: TUNNEL_TEXTS.name,
      kind: 'text',
      value: name,
      maxLength: 64,
      required: true,
    },
    {
      path: 'protocol',
      name: 'protocol',
      label: TUNNEL_TEXTS.protocol,
      kind: 'choice',
      value: protocol,
      options: PROTOCOL_TEXTS,
    } as const,
    {
      path: 'endpoints',
      name: 'endpoints',
      label: TUNNEL_TEXTS.endpoints,
      kind: 'lines',
      value: endpoints,
      note: endpointsNote,
      required: true,
    },
    {
      path: 'zerotier',
      name: 'zerotier',
      label: TUNNEL_TEXTS.zerotier,
      kind: 'text',
      value: zerotier,
      maxLength: 10,
      note: TUNNEL_TEXTS.zerotierNote,
    },
    {
      path: 'anywhere',
      name: 'anywhere',
      label: TUNNEL_TEXTS.anywhere,
      kind: 'check',
      value: anywhere ? 'yes' : '',
      note: TUNNEL_TEXTS.anywhereNote,
    },
  ];
}

/** The form field that says what becomes of the tunnel that has the name already. */
function existingField(value: string, isOther = false): FieldPath {
  const { existingField: label, existingAdd, existingReplace, existingNote: note } = TUNNEL_TEXTS;
  const options = [
    ...(isOther ? [] : [['add', existingAdd] as const]),
    ['replace', existingReplace] as const,
  ];
  return { path: 'existing', name: 'existing', label, kind: 'radios', value, options, note };
}

function removalOf(name: string, endpoint?: string): string {
  const query = new URLSearchParams({ name, ...(endpoint === undefined ? {} : { endpoint }) });
  return `/tunnels/remove?${query.toString()}`;
}

/** A tunnel for the page, with the paths that remove it or one of its servers. */
function listedTunnel(tunnel: TunnelView): object {
  const { name, endpoint, server = null, lastSeen } = tunnel;
  const servers = tunnel.servers ?? [{ endpoint, server, lastSeen }];
  const all = Math.max(servers.length, tunnel.endpoints ?? 0);
  const shown = servers.slice(0, SERVERS);
  return {
    ...printable(tunnel),
    sent: name,
    path: removalOf(name),
    more: all - shown.length,
    servers: shown.map((one) => ({
      ...printable(one),
      // The last one goes with its tunnel.
      ...(all > 1 ? { path: removalOf(name, one.endpoint) } : {}),
    })),
  };
}

/** The list, and the three ways to add a tunnel, as a whole document. Faults of the manual form are shown at its fields, others in the notice. */
export function tunnelsPage(renderer: Renderer, parts: TunnelsParts): string {
  const { token, notice, tunnels, proposals, filledIn } = parts;
  // The path of a policy fault includes the tunnel's index; the form has only one tunnel.
  const own = (notice?.faults ?? []).map((fault) => ({
    ...fault,
    path: fault.path.replace(/^tunnels\[\d+\]\.?/, ''),
  }));
  const isTaken = own.some(({ path }) => path === 'existing');
  const asked = isTaken ? [existingField(filledIn.existing ?? '')] : [];
  const { fields, rest } = withFaults([...tunnelFields(filledIn), ...asked], own);
  const shownNotice = notice === undefined ? undefined : { ...notice, faults: rest };
  return draw(
    renderer,
    'tunnel-list',
    { token, notice: shownNotice },
    {
      token,
      limit: SERVERS,
      serverText,
      trusted: tunnels === undefined ? undefined : tunnels.map(listedTunnel),
      proposals: proposals.map((proposal) => ({
        ...printable(proposal),
        path: `/tunnels/learn?${new URLSearchParams({ endpoint: proposal.endpoint }).toString()}`,
      })),
      fields: renderer.draw('fields', { fields, form: 'tunnel' }),
    },
  );
}

/** What was read from a configuration, to be confirmed: a whole document. Its form sends the values unchanged. */
export function importPage(renderer: Renderer, around: Around, found: ImportAnswer): string {
  const { proposal, unused, change, existing } = found;
  const { reserved, amnezia } = proposal;
  const settings = JSON.stringify({ reserved, amnezia });
  return draw(renderer, 'tunnel-import', around, {
    token: around.token,
    unused: printable(unused),
    proposal: printable(proposal),
    sent: proposal,
    change: change === undefined ? undefined : printable(change),
    settings: settings === '{}' ? '' : settings,
    limit: SERVERS,
    existing: existing === undefined ? undefined : printable(existing),
    fields: existing === undefined ? '' : existingFields(renderer, existing.protocol !== proposal.protocol),
  });
}

function existingFields(renderer: Renderer, isOther: boolean, around?: Around): string {
  const { fields } = withFaults([existingField('', isOther)], around?.notice?.faults ?? []);
  return renderer.draw('fields', { fields, form: 'tunnel' });
}

/** One handshake seen on the wire, to be confirmed: a whole document. `name`: what the tunnel is called if nothing else is typed. */
export function learnPage(renderer: Renderer, around: Around, proposal: Proposal, name: string): string {
  const isTaken = around.notice?.faults.some(({ path }) => path === 'existing') === true;
  return draw(renderer, 'tunnel-learn', around, {
    fields: isTaken ? existingFields(renderer, false, around) : '',
    token: around.token,
    proposal: printable(proposal),
    endpoint: proposal.endpoint,
    name,
  });
}

/**
 * What removing the tunnel `name`, or one of its endpoints, means, to be confirmed: a whole document. `tunnels`: all of them, so that the last
 * one is told.
 */
export function removePage(
  renderer: Renderer,
  around: Around,
  { name, endpoint }: { readonly name: string; readonly endpoint: string | undefined },
  tunnels: readonly TunnelView[],
): string {
  const tunnel = tunnels.find((candidate) => candidate.name === name);
  const isUsed = endpoint === undefined || tunnel?.endpoint === endpoint;
  return draw(renderer, 'tunnel-remove', around, {
    token: around.token,
    sent: name,
    endpoint,
    title: printable(endpoint ?? name),
    name: printable(name),
    inUse: isUsed && tunnel !== undefined && tunnel.state !== 'down',
    last: endpoint === undefined && tunnels.length === 1,
  });
}
