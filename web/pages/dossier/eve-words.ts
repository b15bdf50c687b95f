// Eve's notes: sentences in the first person about what was on the wire, and never more than that. If something was not kept, she says
// that it cannot be told.

import type { ClientView, Dossier } from '../../../src/api/past.ts';
import { DOSSIER_TEXTS as T } from './texts-dossier.ts';
import { clockTime, grouped } from '../status/view-model.ts';

/** Most devices in the notes; a network with more is a public one. */
const DEVICES = 20;

/**
 * Her notes, one sentence each, at least one; with privacy `minimal` only counts. `now`: ISO time; times of other days are given with their
 * date. Values are not escaped.
 */
export function eveWords(dossier: Dossier, now: string): readonly string[] {
  const { sites, destinations, groups = [], escaped, blocked, tunnels, devices, privacy } = dossier;
  const allowed = allowedWords(dossier);
  const stopped = blocked > 0 ? [filled(T.stopped, { count: grouped(blocked) })] : [];
  const vpn = tunnels.map(({ protocol, endpoint, country, operator }) =>
    filled(T.vpn, {
      protocol,
      endpoint,
      operator: operator === null ? '' : filled(T.operator, { operator }),
      country: country === null ? '' : filled(T.country, { country }),
    }),
  );
  if (privacy === 'minimal')
    return [
      ...(escaped > 0 ? [filled(T.have, { count: grouped(escaped) })] : []),
      ...allowed,
      T.counts,
      ...stopped,
    ];
  const people = devices.slice(0, DEVICES).flatMap(deviceWords);
  if (escaped === 0)
    return [...(allowed.length === 0 ? [T.nothing] : allowed), ...people, ...vpn, ...stopped];
  const visited = sites.filter((site) => site.visited > 0).length;
  const all = [...sites, ...destinations, ...groups];
  const first = all.map((site) => site.first).sort()[0];
  const last = all
    .map((site) => site.last)
    .sort()
    .at(-1);
  return [
    filled(T.have, { count: grouped(escaped) }),
    ...(first === undefined || last === undefined
      ? []
      : [filled(T.times, { first: clockTime(first, now), last: clockTime(last, now) })]),
    ...counted(sites.length, T.nameOne, T.names),
    ...counted(visited, T.visitOne, T.visits),
    ...counted(destinations.length, T.bareOne, T.bare),
    ...publicWords(destinations),
    ...counted(groups.length, T.groupsOne, T.groups),
    ...allowed,
    ...people,
    ...vpn,
    ...stopped,
  ];
}

/** Only addresses of the internet are in a registry; those of a local network are everyone's. */
function publicWords(destinations: Dossier['destinations']): string[] {
  const onInternet = destinations.filter(({ isPublic }) => isPublic === true).length;
  return counted(onInternet, destinations.length === 1 ? T.publicOnly : T.publicOne, T.public);
}

function allowedWords({ allowed, privacy }: Dossier): string[] {
  if (allowed === undefined || allowed.frames === 0) return [];
  const count = grouped(allowed.frames);
  if (privacy === 'minimal') return [filled(T.allowedCount, { count })];
  const names = new Set(allowed.rows.map(({ name }) => name).filter((name) => name !== ''));
  return [filled(T.allowed, { count, names: grouped(names.size) })];
}

function deviceWords(client: ClientView): string[] {
  const { id, hostName, randomised, previousAddresses, vendorClass, account } = client;
  const device = hostName ?? id;
  const vendor = client.vendor === null ? '' : filled(T.vendor, { vendor: client.vendor });
  return [
    ...(hostName === null ? [] : [filled(T.deviceNamed, { name: hostName })]),
    randomised ? filled(T.deviceRandom, { device }) : filled(T.deviceKnown, { device, vendor }),
    ...(account === null ? [] : [filled(T.deviceAccount, { device, account })]),
    ...(vendorClass === null ? [] : [filled(T.deviceSystem, { device, system: vendorClass })]),
    ...(previousAddresses.length === 0
      ? []
      : [filled(T.deviceBefore, { device, addresses: previousAddresses.join(', ') })]),
  ];
}

function counted(count: number, one: string, many: string): string[] {
  if (count === 0) return [];
  return [count === 1 ? one : filled(many, { count: grouped(count) })];
}

/**
 * Replaces each `{name}` in `text` by its value; one that has none stays as it is. Values are not searched for further placeholders, as
 * they may come from the wire.
 */
export function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? '') : whole,
  );
}
