// Knows: what an eavesdropper can put together from everything that escaped: sites, visits, devices, habits, the VPN. Must not
// know: where the past is kept, how it is printed. It says what can be concluded, never more than was on the wire.

import { parseAddress } from '../wire/address.ts';
import type { Kind } from '../flow/kinds.ts';
import type { AllowedView } from './allowed.ts';
import type { ClientView } from './clients.ts';
import { gapView } from './gaps.ts';
import type { Gap, GapView } from './gaps.ts';
import type { Privacy } from './privacy.ts';
import { SHOWN_IN_ANSWER } from './incidents.ts';
import { serverText } from './status.ts';
import type { IncidentView, TunnelView } from './status.ts';

export interface DossierSite {
  readonly site: string;
  /** Frames that asked for its address, and frames that went to it. */
  readonly asked: number;
  readonly visited: number;
  readonly clients: readonly string[];
  /** ISO 8601, UTC. */
  readonly first: string;
  readonly last: string;
}

/** What is publicly registered about an address. */
export interface Registration {
  readonly network: string;
  readonly country: string;
  /** Who runs the network; null when it is not known. */
  readonly operator: string | null;
}

export interface DossierTunnel {
  readonly name: string;
  readonly protocol: string;
  readonly endpoint: string;
  /** The network that the endpoint lies in, as it was registered: `198.51.100.0/24`; null when it is not known. */
  readonly network: string | null;
  /** ISO 3166 code of the country in which the endpoint's network is registered; null when it is not known. */
  readonly country: string | null;
  /** Who runs that network; null when it is not known. */
  readonly operator: string | null;
  /** In words, what of it is not held. */
  readonly limits?: string;
}

export interface Dossier {
  readonly from: string | null;
  readonly to: string;
  readonly privacy: Privacy;
  readonly escaped: number;
  readonly blocked: number;
  readonly sites: readonly DossierSite[];
  /** Addresses that were gone to without a name on the wire. */
  readonly destinations: readonly DossierSite[];
  readonly devices: readonly ClientView[];
  readonly tunnels: readonly DossierTunnel[];
  /** Silences of tunnels, newest first. */
  readonly gaps: readonly GapView[];
  /** What the profile let go past the tunnel: no leak, and hers all the same. Absent where it lets nothing. */
  readonly allowed?: AllowedView;
  readonly conclusions: readonly string[];
  /** More happened than was looked at; what is told are the newest. */
  readonly truncated: boolean;
}

export interface DossierSources {
  readonly incidents: readonly IncidentView[];
  readonly clients: readonly ClientView[];
  readonly tunnels: readonly TunnelView[];
  readonly gaps: readonly Gap[];
  readonly allowed?: AllowedView | undefined;
  readonly registrationOf: (address: string) => Registration | undefined;
  readonly from: number | undefined;
  readonly to: number;
  readonly privacy: Privacy;
  readonly truncated: boolean;
}

/** Kinds that ask for a name; whatever else carries one goes to it. */
const ASKS: ReadonlySet<Kind> = new Set(['dns', 'mdns', 'llmnr', 'nbns', 'dot', 'doq', 'doh', 'dnscrypt']);
const NETWORK = /^[\da-f.:]+\/\d+$/;

/** What Eve knows. Only what escaped counts; what was stopped is one number. */
export function dossierOf(sources: DossierSources): Dossier {
  const { incidents, privacy, truncated } = sources;
  const counted = incidents.filter(({ foldedInto }) => foldedInto === undefined);
  const escaped = incidents.filter((incident) => incident.escaped > 0 || incident.trick === SHOWN_IN_ANSWER);
  const named = escaped.filter(({ exposure }) => isName(exposure));
  const bare = escaped.filter(({ exposure }) => !isName(exposure) && !exposure.startsWith('('));
  const seen = new Set(escaped.map(({ client }) => client));
  const told = {
    from: sources.from === undefined ? null : new Date(sources.from).toISOString(),
    to: new Date(sources.to).toISOString(),
    ...{ privacy, truncated },
    escaped: sum(counted, 'escaped'),
    blocked: sum(counted, 'blocked'),
    sites: sitesOf(named),
    destinations: sitesOf(bare),
    devices: sources.clients.filter(
      ({ id, hostName, account }) => seen.has(id) || hostName !== null || account !== null,
    ),
    gaps: sources.gaps.map(gapView),
    // One that was never seen is not known to her either.
    tunnels: sources.tunnels
      .filter(({ lastSeen }) => lastSeen !== null)
      .map((tunnel) => tunnelOf(tunnel, sources.registrationOf)),
    ...(sources.allowed === undefined ? {} : { allowed: sources.allowed }),
  };
  return { ...told, conclusions: conclusionsOf(told) };
}

function sitesOf(incidents: readonly IncidentView[]): DossierSite[] {
  const sites = new Map<string, DossierSite>();
  for (const incident of incidents) {
    const { exposure, client, first, last } = incident;
    const escaped = Math.max(incident.escaped, Number(incident.trick === SHOWN_IN_ANSWER));
    const asks = ASKS.has(incident.kind);
    const known = sites.get(exposure);
    sites.set(exposure, {
      site: exposure,
      asked: (known?.asked ?? 0) + (asks ? escaped : 0),
      visited: (known?.visited ?? 0) + (asks ? 0 : escaped),
      clients: [...new Set([...(known?.clients ?? []), client])],
      first: known === undefined || first < known.first ? first : known.first,
      last: known === undefined || last > known.last ? last : known.last,
    });
  }
  return [...sites.values()].sort((a, b) => b.visited - a.visited || b.asked - a.asked);
}

function tunnelOf(tunnel: TunnelView, registrationOf: DossierSources['registrationOf']): DossierTunnel {
  const { name, protocol, endpoint, server, limits } = tunnel;
  const host = server ?? /^(?:udp|tcp):\[?([^\]]+?)\]?:\d+$/.exec(endpoint)?.[1] ?? '';
  const registered = (tunnel.endpoints ?? 1) > 1 && server === null ? undefined : registrationOf(host);
  return {
    ...{ name, protocol, endpoint: serverText(tunnel) },
    ...{ network: registered?.network ?? null, country: registered?.country ?? null },
    operator: registered?.operator ?? null,
    ...(limits === undefined ? {} : { limits }),
  };
}

function conclusionsOf(dossier: Omit<Dossier, 'conclusions'>): string[] {
  const { sites, destinations, devices, tunnels, gaps, privacy } = dossier;
  if (privacy === 'minimal') return ['Only counts were kept: what Eve could conclude cannot be told.'];
  const visited = sites.filter((site) => site.visited > 0);
  const lines: string[] = [];
  if (sites.length === 0 && destinations.length === 0)
    lines.push('No leak that escaped names a site or a destination.');
  if (sites.length > 0)
    lines.push(
      `She knows ${count(sites.length, 'name')} that the laptop asked for or went to${examples(sites)}.`,
    );
  if (visited.length > 0)
    lines.push(
      `She knows that ${count(visited.length, 'of these sites was visited', 'of these sites were visited')}, and when${examples(visited)}.`,
    );
  if (destinations.length > 0)
    lines.push(
      `She knows ${count(destinations.length, 'address', 'addresses')} the laptop talked to without saying a name.`,
    );
  lines.push(...allowedLines(dossier.allowed));
  for (const device of devices) lines.push(...deviceLines(device));
  for (const { protocol, endpoint, network, country, operator, limits } of tunnels) {
    const where =
      network === null || country === null
        ? ''
        : `, in the network ${network}${operator === null ? '' : ` of ${operator}`}, registered in ${country}`;
    lines.push(`She sees that a VPN is used: ${protocol} to ${endpoint}${where}.`);
    if (limits !== undefined) lines.push(`She sees the address of each of its peers. ${limits}`);
  }
  const open = gaps.filter(({ firstEscape }) => firstEscape !== undefined).length;
  if (gaps.length > 0)
    lines.push(
      `She saw the tunnel fall silent ${count(gaps.length, 'time')}; in ${String(open)} of these something escaped.`,
    );
  return lines;
}

function allowedLines(allowed: AllowedView | undefined): string[] {
  if (allowed === undefined || allowed.frames === 0) return [];
  const { frames, rows } = allowed;
  const names = [...new Set(rows.map(({ name }) => name).filter(isName))];
  const places = new Set(rows.filter(({ name }) => name === '').map(({ destination }) => destination));
  const such = names.length === 0 ? '' : `, such as ${names.slice(0, 3).join(', ')}`;
  const bare = places.size === 0 ? '' : ` and ${count(places.size, 'address', 'addresses')} without one`;
  return [
    `The profile lets other traffic go past the tunnel, which is no leak and hers all the same: ${count(frames, 'frame')}, with ${count(names.length, 'name')}${bare}${such}.`,
  ];
}

function deviceLines(device: ClientView): string[] {
  const { id, vendor, randomised, hostName, vendorClass, fingerprint, account, previousAddresses } = device;
  const who = hostName === null ? id : `${hostName} (${id})`;
  const made = vendor === null ? '' : ` It was made by ${vendor}.`;
  const again = randomised
    ? `${who} made its hardware address up: it does not name the device for good.`
    : `${who} is known again in every network by its hardware address.${made}`;
  const before =
    previousAddresses.length === 0
      ? []
      : [`${who} asked for addresses it had before: ${previousAddresses.join(', ')}.`];
  const named = hostName === null ? [] : [`A device tells every network its name: ${hostName}.`];
  const kind = [
    ...(vendorClass === null ? [] : [`the vendor class ${vendorClass}`]),
    ...(fingerprint === null ? [] : [`the options ${fingerprint}`]),
  ];
  const system =
    kind.length === 0
      ? []
      : [`${who} tells what system it runs, by ${kind.join(' and ')} of its DHCP requests.`];
  const login = account === null ? [] : [`${who} logs in to the network as ${account} (802.1X).`];
  return [again, ...named, ...login, ...system, ...before];
}

function examples(sites: readonly DossierSite[]): string {
  const names = sites.slice(0, 3).map(({ site }) => site);
  return `, such as ${names.join(', ')}`;
}

function isName(exposure: string): boolean {
  const address = parseAddress(exposure) !== undefined || NETWORK.test(exposure);
  const mac = /^[\da-f]{2}(?::[\da-f]{2}){5}$/.test(exposure);
  return !address && !mac && !exposure.startsWith('(') && exposure !== '';
}

function sum(incidents: readonly IncidentView[], field: 'escaped' | 'blocked'): number {
  return incidents.reduce((total, incident) => total + incident[field], 0);
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${String(n)} ${n === 1 ? one : many}`;
}
