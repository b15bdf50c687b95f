// The sets of the ruleset, and the elements that policy and learned state put into them. Addresses are in sets so that ten thousand
// endpoints cost a packet no more than one, and so that learned addresses come and go, also by the kernel's own timeouts, without a change
// of rules.

import { addressText, parseMac, macText } from '../../wire/ip/address.ts';
import { ANSWERED_SETS, answeredElement } from '../filter/answered.ts';
import { RECENT_PEER_SETS } from '../filter/recent-peers.ts';
import {
  SERVER_GROUP_SETS,
  apartFromServerGroups,
  serverGroupElements,
  hasServerGroupRange,
} from './server-groups.ts';
import { CUT_SETS } from '../filter/cut-answers.ts';
import { designatedEndpoints, hostsOf, isExact, learnedFor, tunnelHosts } from '../servers/hosts.ts';
import type { Host, JudgedEndpoint } from '../servers/hosts.ts';
import type { ExposedAddress, LearnedState } from '../servers/learned.ts';
import { boxAddresses, learnedNeighbours, prefixKey, targetKey } from '../filter/neighbours.ts';
import type { NftElement, NftSet } from './nft-model.ts';
import { PREFIX_SETS, prefixElements } from './nft-prefixes.ts';
import { hostChain, networkElements, tunnelChain } from './nft-ranges.ts';
import { OWN6_SETS, linksOf } from '../filter/own-addresses.ts';
import type { Policy } from '../policy.ts';
import { hasEsp, shapeOf } from '../shapes/shape.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** Every set, whatever the policy; only a new ruleset changes those without timeouts. Names end in the IP version. */
export const SETS: readonly NftSet[] = [
  map('tun4', 'ipv4_addr . inet_proto . inet_service'),
  map('tun6', 'ipv6_addr . inet_proto . inet_service'),
  map('esp4', 'ipv4_addr'),
  map('esp6', 'ipv6_addr'),
  map('host4', 'ipv4_addr . inet_proto'),
  map('host6', 'ipv6_addr . inet_proto'),
  withIntervals(map('net4', 'ipv4_addr')),
  withIntervals(map('net6', 'ipv6_addr')),
  withIntervals(set('nets4', 'ipv4_addr')),
  withIntervals(set('nets6', 'ipv6_addr')),
  set('frag4', 'ipv4_addr . inet_proto'),
  set('frag6', 'ipv6_addr . inet_proto'),
  set('safe4', 'ipv4_addr . inet_proto . inet_service'),
  set('safe6', 'ipv6_addr . inet_proto . inet_service'),
  set('near4', 'ipv4_addr'),
  set('near6', 'ipv6_addr'),
  { name: 'target6', keyword: 'set', of: '@th,64,128', timeouts: true },
  set('own4', 'ether_addr . ipv4_addr'),
  set('mine4', 'ipv4_addr'),
  set('known', 'ether_addr'),
  set('settled', 'ether_addr'),
  ...OWN6_SETS,
  set('dhcp4', 'ipv4_addr . ether_addr'),
  set('resolver4', 'ipv4_addr'),
  set('resolver6', 'ipv6_addr'),
  set('exposed4', 'ipv4_addr'),
  set('exposed6', 'ipv6_addr'),
  set('shut4', 'ether_addr . ipv4_addr'),
  set('shut6', 'ether_addr . ipv6_addr'),
  ...ANSWERED_SETS,
  set('pass_mac', 'ether_addr'),
  set('pass_all', 'ether_type'),
  ...RECENT_PEER_SETS,
  ...CUT_SETS,
  ...SERVER_GROUP_SETS,
  ...PREFIX_SETS,
  { ...set('box_macs', 'ether_addr'), timeouts: false },
  { ...set('canary', 'ether_addr'), timeouts: false },
  { ...set('box4', 'ipv4_addr'), timeouts: false },
];

function set(name: string, type: string): NftSet {
  return { name, keyword: 'set', type, timeouts: true };
}

function map(name: string, type: string): NftSet {
  return { name, keyword: 'map', type: `${type} : verdict`, timeouts: true };
}

function withIntervals(set: NftSet): NftSet {
  return { ...set, timeouts: false, intervals: true };
}

/**
 * All elements of policy and learned state, and the MAC addresses of the box and of the canary (any form that `parseMac` reads); those of
 * the policy itself have no timeout. One element per key: the policy's own before a learned one.
 */
export function elementsOf(
  policy: Policy,
  learned: LearnedState,
  boxMacs: readonly string[],
  canary: readonly string[] = [],
): readonly NftElement[] {
  const endpoints = apartFromServerGroups(policy);
  const tunnels = tunnelHosts(endpoints, learnedFor(policy, learned));
  const designated = hostsOf(designatedEndpoints(policy), learned);
  const others = distinct([
    ...tunnels.filter(({ bits }) => bits === 128).flatMap((host) => tunnelElements(policy, host, endpoints)),
    ...networkElements(policy),
    ...prefixElements(policy, learned),
    ...designated.flatMap((host) => [timed(host, `safe${host.ipVersion}`, servicePart(host)), ...near(host)]),
    ...boxAddresses(policy, learned).flatMap((key) => [
      { set: 'near4', key },
      { set: 'box4', key },
    ]),
    ...learnedNeighbours(policy, learned).flatMap(({ address, seconds }) => nearElements(address, seconds)),
    ...learned.own.flatMap(({ mac, address, seconds }) => [
      { set: 'own4', key: `${canonicalMac(mac)} . ${address}`, seconds },
    ]),
    ...longest(learned.own, ({ address }) => address, 'mine4'),
    ...longest(learned.own, ({ mac }) => canonicalMac(mac), 'known'),
    ...longest(learned.settled, ({ mac }) => canonicalMac(mac), 'settled'),
    ...learned.own6.map(({ address, seconds }) => ({ set: 'mine6', key: targetKey(address), seconds })),
    ...linksOf(learned).map(({ address, seconds }) => ({ set: 'link6', key: prefixKey(address), seconds })),
    ...learned.settled6.map(({ mac, seconds }) => ({ set: 'settled6', key: canonicalMac(mac), seconds })),
    ...learned.dhcpServers.map(({ address, mac, seconds }) => ({
      set: 'dhcp4',
      key: `${address} . ${canonicalMac(mac)}`,
      seconds,
    })),
    ...learned.resolvers.map(({ address, seconds }) => ({
      set: addressSet('resolver', address),
      key: address,
      seconds,
    })),
    ...learned.exposed.map(exposedElement),
    ...learned.answered.map(answeredElement),
    ...learned.passes.flatMap(({ client, seconds }) => passElements(client, seconds)),
    ...boxMacs.map((mac) => ({ set: 'box_macs', key: canonicalMac(mac) })),
    ...canary.map((mac) => ({ set: 'canary', key: canonicalMac(mac) })),
  ]);
  return [...others, ...serverGroupElements(policy)];
}

function tunnelElements(policy: Policy, host: Host, endpoints: readonly JudgedEndpoint[]): NftElement[] {
  const endpoint = endpoints[host.index];
  if (endpoint === undefined) return [];
  const family = host.ipVersion;
  const { tunnel, protocol } = endpoint;
  const shape = shapeOf(protocol, endpoint.endpoint.transport, host.port);
  const transport = host.protocol === Protocol.UDP ? 'udp' : 'tcp';
  const service: NftElement = isExact(host)
    ? { ...timed(host, `tun${family}`, servicePart(host)), verdict: `goto ${tunnelChain(tunnel, shape)}` }
    : {
        ...timed(host, `host${family}`, ` . ${transport}`),
        verdict: `jump ${hostChain(policy, endpoint.endpoint)}`,
      };
  const isInServerGroup = !isExact(host) && hasServerGroupRange(policy, ownText(host), transport);
  const elements: NftElement[] = [...(isInServerGroup ? [] : [service]), ...near(host)];
  // TCP finds its path MTU itself: fragments of TCP are not a tunnel's.
  if (host.protocol === Protocol.UDP) elements.push(timed(host, `frag${family}`, ' . udp'));
  if (hasEsp(shape)) {
    elements.push({ ...timed(host, `esp${family}`, ''), verdict: `goto ${tunnelChain(tunnel, 'esp')}` });
    elements.push(timed(host, `frag${family}`, ' . esp'));
  }
  return elements;
}

/** The address as the policy writes it. */
function ownText({ isTranslated, words, text }: Host): string {
  return isTranslated === true ? addressText(4, words) : text;
}

function servicePart(host: Host): string {
  return ` . ${host.protocol === Protocol.UDP ? 'udp' : 'tcp'} . ${host.port}`;
}

function timed(host: Host, set: string, rest: string): NftElement {
  const key = `${host.text}${rest}`;
  return host.seconds === undefined ? { set, key } : { set, key, seconds: host.seconds };
}

/** Elements that let a client look up an endpoint on its own link. */
function near(host: Host): NftElement[] {
  if (host.isTranslated === true) return [];
  return nearElements(host.text, host.seconds);
}

function nearElements(address: string, seconds: number | undefined): NftElement[] {
  const time = seconds === undefined ? {} : { seconds };
  if (!address.includes(':')) return [{ set: 'near4', key: address, ...time }];
  return [
    { set: 'near6', key: address, ...time },
    { set: 'target6', key: targetKey(address), ...time },
  ];
}

/** One element per key, with the longest timeout. */
function longest<T extends { readonly seconds: number }>(
  entries: readonly T[],
  keyOf: (entry: T) => string,
  set: string,
): NftElement[] {
  const found = new Map<string, number>();
  for (const entry of entries) found.set(keyOf(entry), Math.max(entry.seconds, found.get(keyOf(entry)) ?? 0));
  return [...found].map(([key, seconds]) => ({ set, key, seconds }));
}

function passElements(client: string | undefined, seconds: number): NftElement[] {
  if (client !== undefined) return [{ set: 'pass_mac', key: canonicalMac(client), seconds }];
  return ['arp', 'ip', 'ip6'].map((key) => ({ set: 'pass_all', key, seconds }));
}

/**
 * The element that closes an exposed address, for one client (`shut4`, `shut6`) or for all (`exposed4`, `exposed6`), for its remaining
 * seconds.
 */
export function exposedElement({ client, address, seconds }: ExposedAddress): NftElement {
  return client === undefined
    ? { set: addressSet('exposed', address), key: address, seconds }
    : { set: addressSet('shut', address), key: `${client} . ${address}`, seconds };
}

function addressSet(name: string, address: string): string {
  return `${name}${address.includes(':') ? 6 : 4}`;
}

function canonicalMac(mac: string): string {
  return macText(parseMac(mac) ?? 0);
}

/** The first element of a key wins, as in the judge: an address of the policy takes precedence over the same one learned. */
function distinct(elements: readonly NftElement[]): readonly NftElement[] {
  const seen = new Set<string>();
  return elements.filter(({ set, key }) => {
    const whole = `${set} ${key}`;
    if (seen.has(whole)) return false;
    seen.add(whole);
    return true;
  });
}
