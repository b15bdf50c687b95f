// Knows: how tunnels, proposals and configurations become HTML. Must not know: HTTP, the local API.
// Names and addresses come from the wire and from files: escaped by EJS, and made printable here.

import type { ImportAnswer, Proposal } from '../../../src/api/box.ts';
import { printable, serverText } from '../../../src/api/shown.ts';
import type { TunnelView } from '../../../src/api/status.ts';
import { filled } from '../dossier/eve-words.ts';
import { withFaults } from '../../fields.ts';
import type { FieldPath } from '../../fields.ts';
import { BOX_SHEETS } from '../../render.ts';
import type { Around, Renderer } from '../../render.ts';
import { PROTOCOL_TEXTS, TUNNEL_TEXTS } from './texts-tunnels.ts';
import { TEXTS, TUNNEL_STATE_TEXTS } from '../../texts.ts';
import { clockTime } from '../status/view-model.ts';

/** Servers shown of one tunnel; a list of a provider may have thousands. */
const SERVERS = 50;

/** Names of the fields that say what a tunnel is. */
export interface TunnelForm {
  readonly name: string;
  readonly protocol: string;
  /** One a line. */
  readonly endpoints: string;
  /** The node of this device, of ZeroTier. */
  readonly zerotier?: string;
  readonly anywhere?: boolean;
}

export interface TunnelsParts extends Around {
  /** Undefined: nobody can say. */
  readonly tunnels: readonly TunnelView[] | undefined;
  readonly proposals: readonly Proposal[];
  readonly filledIn: TunnelForm;
}

const clockNow = (iso: string): string => clockTime(iso, new Date().toISOString());

const protocolWord = (protocol: string): string =>
  PROTOCOL_TEXTS.find(([known]) => known === protocol)?.[1] ?? protocol;

/** Which of three words fits a confidence from 0 to 1. */
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
      states: TUNNEL_STATE_TEXTS,
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
      most: 64,
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
      most: 10,
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

/** Tunnels by their name, with every server and whether it lives. */
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

/** The list, and the three ways to a new tunnel. Faults of the form by hand stand at its fields. */
export function tunnelsPage(renderer: Renderer, parts: TunnelsParts): string {
  const { token, notice, tunnels, proposals, filledIn } = parts;
  // A policy's fault says which tunnel; the form has but one.
  const own = (notice?.faults ?? []).map((fault) => ({
    ...fault,
    path: fault.path.replace(/^tunnels\[\d+\]\.?/, ''),
  }));
  const { fields, rest } = withFaults(tunnelFields(filledIn), own);
  const told = notice === undefined ? undefined : { ...notice, faults: rest };
  return draw(
    renderer,
    'tunnel-list',
    { token, notice: told },
    {
      token,
      most: SERVERS,
      serverText,
      trusted:
        tunnels === undefined
          ? undefined
          : byName(printable(tunnels)).map((tunnel, at) => ({
              ...tunnel,
              path: `/tunnels/remove?${new URLSearchParams({ name: byName(tunnels)[at]?.name ?? '' }).toString()}`,
            })),
      proposals: proposals.map((one) => ({
        ...printable(one),
        path: `/tunnels/learn?${new URLSearchParams({ endpoint: one.endpoint }).toString()}`,
      })),
      fields: renderer.draw('fields', { fields, form: 'tunnel' }),
    },
  );
}

/** What a configuration comes to, before a yes. */
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
    most: SERVERS,
  });
}

/** One handshake that was seen, before a yes. */
export function learnPage(renderer: Renderer, around: Around, proposal: Proposal, name: string): string {
  return draw(renderer, 'tunnel-learn', around, {
    token: around.token,
    proposal: printable(proposal),
    endpoint: proposal.endpoint,
    name,
  });
}

/** What would be without it, before a yes. */
export function removePage(
  renderer: Renderer,
  around: Around,
  name: string,
  tunnels: readonly TunnelView[],
): string {
  const [tunnel] = byName(tunnels).filter((one) => one.name === name);
  return draw(renderer, 'tunnel-remove', around, {
    token: around.token,
    sent: name,
    name: printable(name),
    // Quiet is in use too: a laptop that sleeps keeps its tunnel.
    inUse: tunnel?.endpoints.some(({ state }) => state !== 'down'),
    last: byName(tunnels).length === 1,
  });
}
