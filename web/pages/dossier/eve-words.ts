// Knows: what Eve would say who has this dossier: sentences in the first person. Must not know: HTML, how she came to know.
// She says what was on the wire, never more: where nothing was kept, she says that it cannot be told.

import type { ClientView, Dossier } from '../../../src/api/past.ts';
import { DOSSIER_TEXTS as T } from './texts-dossier.ts';
import { clockTime, grouped } from '../status/view-model.ts';

/** Most devices she talks about; a network with more is a public one. */
const DEVICES = 20;

/** Her notes, one sentence each. `now` is an ISO time: other days are told with their date. */
export function eveWords(dossier: Dossier, now: string): readonly string[] {
  const { sites, destinations, escaped, blocked, tunnels, devices, privacy } = dossier;
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
  const all = [...sites, ...destinations];
  const [first, last] = [least(all.map((one) => one.first)), most(all.map((one) => one.last))];
  return [
    filled(T.have, { count: grouped(escaped) }),
    ...(first === undefined || last === undefined
      ? []
      : [filled(T.times, { first: clockTime(first, now), last: clockTime(last, now) })]),
    ...counted(sites.length, T.nameOne, T.names),
    ...counted(visited, T.visitOne, T.visits),
    ...counted(destinations.length, T.bareOne, T.bare),
    ...allowed,
    ...people,
    ...vpn,
    ...stopped,
  ];
}

function allowedWords({ allowed, privacy }: Dossier): string[] {
  if (allowed === undefined || allowed.frames === 0) return [];
  const count = grouped(allowed.frames);
  if (privacy === 'minimal') return [filled(T.allowedCount, { count })];
  const names = new Set(allowed.rows.map(({ name }) => name).filter((name) => name !== ''));
  return [filled(T.allowed, { count, names: grouped(names.size) })];
}

function deviceWords(told: ClientView): string[] {
  const { id, hostName, randomised, previousAddresses, vendorClass, account } = told;
  const device = hostName ?? id;
  const vendor = told.vendor === null ? '' : filled(T.vendor, { vendor: told.vendor });
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

/** `{name}` in a text becomes its value; values are put in once and never looked into: names come from the wire. */
export function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? '') : whole,
  );
}

const least = (times: readonly string[]): string | undefined => [...times].sort()[0];
const most = (times: readonly string[]): string | undefined => [...times].sort().at(-1);
