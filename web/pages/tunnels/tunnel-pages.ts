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
}

export interface TunnelsParts extends Around {
  /** Undefined if the daemon gave no answer. */
  readonly tunnels: readonly TunnelView[] | undefined;
  readonly proposals: readonly Proposal[];
  readonly filledIn: TunnelForm;
}

const clockNow = (iso: string): string => clockTime(iso, new Date().toISOString());

const protocolWord = (protocol: string): string =>
  PROTOCOL_TEXTS.find(([known]) => known === protocol)?.[1] ?? protocol;

/** The word for a confidence from 0 to 1. */
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

/** The tunnels by name, with all servers and whether any of them is up. */
function byName(tunnels: readonly TunnelView[]): readonly {
  readonly name: string;
  readonly protocol: string;
  readonly up: boolean;
  readonly endpoints: readonly TunnelView[];
}[] {
  const names = [...new Set(tunnels.map(({ name }) => name))];
  return names.map((name) => {
    const endpoints = tunnels.filter((tunnel) => tunnel.name === name);
    const up = endpoints.some(({ state }) => state === 'up');
    return { name, protocol: endpoints[0]?.protocol ?? '', up, endpoints };
  });
}

/** The list, and the three ways to add a tunnel. Faults of the manual form are shown at its fields. */
export function tunnelsPage(renderer: Renderer, parts: TunnelsParts): string {
  const { token, notice, tunnels, proposals, filledIn } = parts;
  // The path of a policy fault includes the tunnel's index; the form has only one tunnel.
  const own = (notice?.faults ?? []).map((fault) => ({
    ...fault,
    path: fault.path.replace(/^tunnels\[\d+\]\.?/, ''),
  }));
  const { fields, rest } = withFaults(tunnelFields(filledIn), own);
  const shownNotice = notice === undefined ? undefined : { ...notice, faults: rest };
  return draw(
    renderer,
    'tunnel-list',
    { token, notice: shownNotice },
    {
      token,
      limit: SERVERS,
      serverText,
      trusted:
        tunnels === undefined
          ? undefined
          : byName(printable(tunnels)).map((tunnel, at) => ({
              ...tunnel,
              path: `/tunnels/remove?${new URLSearchParams({ name: byName(tunnels)[at]?.name ?? '' }).toString()}`,
            })),
      proposals: proposals.map((proposal) => ({
        ...printable(proposal),
        path: `/tunnels/learn?${new URLSearchParams({ endpoint: proposal.endpoint }).toString()}`,
      })),
      fields: renderer.draw('fields', { fields, form: 'tunnel' }),
    },
  );
}

/** What was read from a configuration, to be confirmed. */
export function importPage(renderer: Renderer, around: Around, found: ImportAnswer): string {
  const { proposal, unused, change } = found;
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
  });
}

/** One handshake seen on the wire, to be confirmed. */
export function learnPage(renderer: Renderer, around: Around, proposal: Proposal, name: string): string {
  return draw(renderer, 'tunnel-learn', around, {
    token: around.token,
    proposal: printable(proposal),
    endpoint: proposal.endpoint,
    name,
  });
}

/** What removing the tunnel means, to be confirmed. */
export function removePage(
  renderer: Renderer,
  around: Around,
  name: string,
  tunnels: readonly TunnelView[],
): string {
  const [tunnel] = byName(tunnels).filter((candidate) => candidate.name === name);
  return draw(renderer, 'tunnel-remove', around, {
    token: around.token,
    sent: name,
    name: printable(name),
    // A quiet tunnel is in use, too: a sleeping laptop keeps its tunnel.
    inUse: tunnel?.endpoints.some(({ state }) => state !== 'down'),
    last: byName(tunnels).length === 1,
  });
}
