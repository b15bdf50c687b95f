// The dossier: what an eavesdropper can put together from everything that escaped: sites, visits, devices, habits, the VPN. It never
// concludes more than was on the wire.

import { parseAddress } from '../../wire/ip/address.ts';
import { noServer } from '../../policy/servers/no-server.ts';
import { isPrivate, parseNetwork } from '../attacks/networks.ts';
import type { Kind } from '../../flow/kinds.ts';
import type { ClientView, Dossier, DossierSite, DossierTunnel } from '../../api/past.ts';
import { gapView } from '../tunnels/gaps.ts';
import type { Gap } from '../tunnels/gaps.ts';
import type { Privacy } from './privacy.ts';
import { SHOWN_IN_ANSWER } from '../incidents/incidents.ts';
import { serverText } from '../../api/shown.ts';
import type { AllowedView, IncidentView, TunnelView } from '../../api/status.ts';

/** What is publicly registered about an address. */
export interface Registration {
  /** `a.b.c.d/len` */
  readonly network: string;
  /** Two letters (ISO 3166-1). */
  readonly country: string;
  /** Who runs the network; null when it is not known. */
  readonly operator: string | null;
}

/** What a dossier is made from; `from` and `to`: wall clock, milliseconds, `from` undefined for all that is kept. */
export interface DossierSources {
  readonly incidents: readonly IncidentView[];
  readonly clients: readonly ClientView[];
  readonly tunnels: readonly TunnelView[];
  readonly gaps: readonly Gap[];
  readonly allowed?: AllowedView | undefined;
  /** Undefined where nothing is registered, or for a text that is no address. */
  readonly registrationOf: (address: string) => Registration | undefined;
  readonly from: number | undefined;
  readonly to: number;
  readonly privacy: Privacy;
  /** There were more incidents than are given here. */
  readonly truncated: boolean;
}

/** Kinds that ask for a name; other kinds with a name are visits. Used for incidents without counted questions. */
const ASKS: ReadonlySet<Kind> = new Set(['dns', 'mdns', 'llmnr', 'nbns']);
const CANDIDATES = 16;
/** How many of them the texts name. */
const NAMED = 4;
const NETWORK = /^[\da-f.:]+\/\d+$/;
/** A MAC address, alone or with its protocol (`01:80:c2:00:00:0e (type 0x88cc)`); and one of a group (IEEE 802, 8.2.2). */
const MAC = /^[\da-f]{2}(?::[\da-f]{2}){5}(?: \(|$)/;
const GROUP_MAC = /^[\da-f][13579bdf]:/;

/**
 * What Eve knows, in facts and sentences. Only what escaped counts; frames that were stopped are just one number. Sites are sorted by
 * visits, then by questions. Texts are redacted already.
 */
export function dossierOf(sources: DossierSources): Dossier {
  const { incidents, privacy, truncated } = sources;
  const counted = incidents.filter(({ foldedInto }) => foldedInto === undefined);
  const escaped = incidents.filter(
    (incident) => incident.escaped > 0 || incident.networkAttack === SHOWN_IN_ANSWER,
  );
  const named = escaped.filter(({ exposure }) => isName(exposure));
  const unnamed = escaped.filter(({ exposure }) => !isName(exposure) && !exposure.startsWith('('));
  const groups = unnamed.filter(({ exposure }) => isGroups(exposure));
  const bare = unnamed.filter(({ exposure }) => !isGroups(exposure));
  const seen = new Set(escaped.map(({ client }) => client));
  const facts = {
    from: sources.from === undefined ? null : new Date(sources.from).toISOString(),
    to: new Date(sources.to).toISOString(),
    privacy,
    truncated,
    escaped: sum(counted, 'escaped'),
    blocked: sum(counted, 'blocked'),
    sites: sitesOf(named),
    destinations: sitesOf(bare),
    groups: sitesOf(groups),
    devices: sources.clients.filter(
      ({ id, hostName, account }) => seen.has(id) || hostName !== null || account !== null,
    ),
    gaps: sources.gaps.map(gapView),
    // She does not know a tunnel that was never seen.
    tunnels: sources.tunnels
      .filter(({ lastSeen }) => lastSeen !== null)
      .map((tunnel) => tunnelOf(tunnel, sources.registrationOf)),
    ...(sources.allowed === undefined ? {} : { allowed: sources.allowed }),
  };
  return { ...facts, conclusions: conclusionsOf(facts) };
}

function sitesOf(incidents: readonly IncidentView[]): DossierSite[] {
  const sites = new Map<string, Omit<DossierSite, 'words'> & { readonly isShown: boolean }>();
  for (const incident of incidents) {
    const { exposure, client, first, last } = incident;
    const known = sites.get(exposure);
    const { asked, visited, atLeast } = occasionsOf(incident);
    const candidates = isName(exposure) ? [] : (incident.candidates ?? []);
    const all = [...new Set([...candidates, ...(known?.candidates ?? [])])].slice(0, CANDIDATES);
    sites.set(exposure, {
      site: exposure,
      asked: (known?.asked ?? 0) + asked,
      visited: (known?.visited ?? 0) + visited,
      ...(atLeast || known?.atLeast === true ? { atLeast: true } : {}),
      ...(all.length > 1 ? { candidates: all } : {}),
      ...(isPublic(exposure) ? { isPublic: true as const } : {}),
      clients: [...new Set([...(known?.clients ?? []), client])],
      first: known === undefined || first < known.first ? first : known.first,
      last: known === undefined || last > known.last ? last : known.last,
      isShown: incident.networkAttack === SHOWN_IN_ANSWER || known?.isShown === true,
    });
  }
  return [...sites.values()]
    .sort((a, b) => b.visited - a.visited || b.asked - a.asked)
    .map(({ isShown, ...site }) => ({ ...site, words: siteWords(site, isShown) }));
}

/** Questions and visits of an incident. One stored by a version that counted only frames was at least one question or one visit. */
function occasionsOf({ kind, escaped, questions, visits }: IncidentView): {
  readonly asked: number;
  readonly visited: number;
  readonly atLeast: boolean;
} {
  if (questions !== undefined && visits !== undefined)
    return { asked: questions, visited: visits, atLeast: false };
  const some = Math.min(1, escaped);
  return ASKS.has(kind)
    ? { asked: some, visited: 0, atLeast: some > 0 }
    : { asked: 0, visited: some, atLeast: some > 0 };
}

function siteWords(
  { asked, visited, atLeast, candidates }: Omit<DossierSite, 'words'>,
  isShown: boolean,
): string {
  const times = (n: number): string => {
    const often =
      n === 1 ? 'once' : n === 2 ? 'twice' : `${String(n).replace(/\B(?=(\d{3})+$)/g, ',')} times`;
    return atLeast === true ? `at least ${often}` : often;
  };
  const parts = [
    ...(asked > 0 ? [`asked ${times(asked)}`] : []),
    ...(visited > 0 ? [`visited ${times(visited)}`] : []),
    ...(isShown ? ['shown in an answer'] : []),
  ];
  // Neither asked nor visited: in an announcement, as the page that a visitor comes from, or on a connection that began earlier.
  const often = parts.length === 0 ? 'seen' : parts.join(', ');
  return candidates === undefined ? often : `${often}: ${oneOf(candidates)}`;
}

function oneOf(candidates: readonly string[]): string {
  const left = candidates.length - NAMED;
  const more = left > 0 ? ` or ${String(left)} more` : '';
  return `one of ${candidates.slice(0, NAMED).join(', ')}${more}`;
}

function tunnelOf(tunnel: TunnelView, registrationOf: DossierSources['registrationOf']): DossierTunnel {
  const { name, protocol, endpoint, server, limits } = tunnel;
  const host = server ?? /^(?:udp|tcp):\[?([^\]]+?)\]?:\d+$/.exec(endpoint)?.[1] ?? '';
  const registered = (tunnel.endpoints ?? 1) > 1 && server === null ? undefined : registrationOf(host);
  return {
    name,
    protocol,
    endpoint: serverText(tunnel),
    network: registered?.network ?? null,
    country: registered?.country ?? null,
    operator: registered?.operator ?? null,
    ...(limits === undefined ? {} : { limits }),
  };
}

function conclusionsOf(dossier: Omit<Dossier, 'conclusions'>): string[] {
  const { sites, destinations, groups = [], devices, tunnels, gaps, privacy } = dossier;
  if (privacy === 'minimal') return ['Only counts were kept, so it is not known what Eve could conclude.'];
  const visited = sites.filter((site) => site.visited > 0);
  const lines: string[] = [];
  if (sites.length === 0 && destinations.length === 0)
    lines.push('No leak that escaped shows a site or a destination.');
  if (sites.length > 0)
    lines.push(
      `She knows ${count(sites.length, 'name')} that the laptop looked up or visited${examples(sites)}.`,
    );
  if (groups.length > 0)
    lines.push(`She knows ${count(groups.length, 'multicast group')} that the laptop joined or sent to.`);
  if (visited.length > 0)
    lines.push(
      `She knows that ${count(visited.length, 'of these sites was visited', 'of these sites were visited')}, and when${examples(visited)}.`,
    );
  if (destinations.length > 0)
    lines.push(
      `She knows ${count(destinations.length, 'address', 'addresses')} that the laptop contacted without showing a name.`,
    );
  for (const { site, candidates } of destinations.filter((one) => one.candidates !== undefined).slice(0, 3))
    lines.push(`She knows that the connection to ${site} was for ${oneOf(candidates ?? [])}.`);
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
    `The profile allows other traffic outside the tunnel, which is not a leak, but she sees it all the same: ${count(frames, 'frame')}, with ${count(names.length, 'name')}${bare}${such}.`,
  ];
}

function deviceLines(device: ClientView): string[] {
  const { id, vendor, randomised, hostName, vendorClass, fingerprint, account, previousAddresses } = device;
  const who = hostName === null ? id : `${hostName} (${id})`;
  const made = vendor === null ? '' : ` It was made by ${vendor}.`;
  const again = randomised
    ? `${who} uses a random hardware address, which does not identify the device permanently.`
    : `${who} can be recognised in every network by its hardware address.${made}`;
  const before =
    previousAddresses.length === 0
      ? []
      : [
          `${who} asked for addresses that it does not use here and may have had elsewhere: ${previousAddresses.join(', ')}.`,
        ];
  const named = hostName === null ? [] : [`A device tells every network its name: ${hostName}.`];
  const kind = [
    ...(vendorClass === null ? [] : [`the vendor class ${vendorClass}`]),
    ...(fingerprint === null ? [] : [`the options ${fingerprint}`]),
  ];
  const system =
    kind.length === 0
      ? []
      : [`${who} reveals its operating system by ${kind.join(' and ')} in its DHCP requests.`];
  const login = account === null ? [] : [`${who} logs in to the network as ${account} (802.1X).`];
  return [again, ...named, ...login, ...system, ...before];
}

function examples(sites: readonly DossierSite[]): string {
  const names = sites.slice(0, 3).map(({ site }) => site);
  return `, such as ${names.join(', ')}`;
}

function isName(exposure: string): boolean {
  const address = parseAddress(exposure) !== undefined || NETWORK.test(exposure);
  return (
    !address && !MAC.test(exposure) && !isGroups(exposure) && !exposure.startsWith('(') && exposure !== ''
  );
}

/** Whether a text is the multicast or broadcast addresses of one report or frame: nobody has them, so they cannot be looked up. */
function isGroups(exposure: string): boolean {
  if (MAC.test(exposure)) return GROUP_MAC.test(exposure);
  return exposure.split(', ').some((part) => {
    const why = noServer(part.replace(/\/\d+$/, ''));
    return why === 'multicast' || why === 'broadcast';
  });
}

/** Whether a text is an address, or a network of addresses, that a registry knows. */
function isPublic(exposure: string): boolean {
  const network = parseNetwork(exposure);
  return (
    network !== undefined && !isPrivate(network) && noServer(exposure.replace(/\/\d+$/, '')) === undefined
  );
}

function sum(incidents: readonly IncidentView[], field: 'escaped' | 'blocked'): number {
  return incidents.reduce((total, incident) => total + incident[field], 0);
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${String(n)} ${n === 1 ? one : many}`;
}
