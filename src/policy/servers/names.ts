// Knows: which names matter to a policy, and how a name looks in a DNS message, for the judge and the ruleset side by side.
// Must not know: tunnels, verdicts. Follows RFC 1035 section 3.1 (wire form) and RFC 4343 (letters have no case).
// The kernel matches constants at fixed offsets: a name at any offset takes a rule per offset, so offsets are bounded,
// and a question long enough to hide a name behind the bound is not let through.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { BELOW, matchesPattern } from '../schema/endpoint.ts';
import { asciiName } from './name-forms.ts';
import { NAT64_NAME } from './nat64.ts';
import { once } from '../compile/per-policy.ts';
import type { NamePattern, Policy } from '../policy.ts';
import { Protocol } from '../../wire/ip/ip.ts';

const DNS_HEADER = 12;
/** Additional records (EDNS with a cookie, RFC 7873) behind a tunnel's own question: room for that and little else. */
const BOOTSTRAP_SLACK = 64;
/** Rules that name checks may take; what is beyond is refused by length. */
const RULE_BUDGET = 4096;

/** There is a server that a network without IPv4 would call by an address of its own. */
export function hasIpv4Server({ tunnels }: Policy): boolean {
  return tunnels.some(({ endpoints }) => endpoints.some(({ hostIs }) => hostIs !== 'ipv6'));
}

/**
 * Host names of tunnels, resolvers and proxies: the questions that a policy opens a hole for. With an IPv4 server also the one that a
 * client has to ask where there is no IPv4 to reach it (RFC 7050, RFC 6877 section 6.3); it is the same of every system.
 */
export const bootstrapNames = once((policy: Policy): readonly string[] => {
  const endpoints = [
    ...policy.tunnels.flatMap((tunnel) => tunnel.endpoints),
    ...policy.resolvers.map((resolver) => resolver.endpoint),
    ...policy.proxies,
  ];
  const names = endpoints.filter((endpoint) => endpoint.hostIs === 'name').map((endpoint) => endpoint.host);
  return [...new Set([...names, ...(hasIpv4Server(policy) ? [NAT64_NAME] : [])])];
});

const UTF8 = new TextEncoder();
const lengthAnd = (label: Uint8Array): number[] => [label.length, ...label];

/** The wire form: length bytes, letters, root. */
export function wireName(name: string): readonly number[] {
  return [...name.split('.').flatMap((label) => lengthAnd(UTF8.encode(label))), 0];
}

/**
 * The label that OpenVPN puts in front of the server's name for each connection, so that no cache answers (openvpn(8),
 * --remote-random-hostname): six random bytes in hexadecimal. A policy writes such a host as `*.vpn.example.com`.
 */
const RANDOM_LABEL = /^[0-9a-f]{12}$/;
const RANDOM_LENGTH = 12;
/** Digits and letters of both cases, as nftables compares a byte. */
const NFT_HEX = '{ 0x30-0x39, 0x41-0x46, 0x61-0x66 }';

/** Which of a policy's hosts a name is asked for; undefined when none of them is. The name is in lower case. */
export function hostAsked(hosts: Pick<ReadonlySet<string>, 'has'>, name: string): string | undefined {
  if (hosts.has(name)) return name;
  if (name[RANDOM_LENGTH] !== '.' || !RANDOM_LABEL.test(name.slice(0, RANDOM_LENGTH))) return undefined;
  const below = `*${name.slice(RANDOM_LENGTH)}`;
  return hosts.has(below) ? below : undefined;
}

/** Bytes that the name of a question for this host takes. */
export function hostLength(host: string): number {
  return host.startsWith(BELOW)
    ? 1 + RANDOM_LENGTH + wireName(host.slice(BELOW.length)).length
    : wireName(host).length;
}

/** Matches of a question's name, `offset` bytes behind the UDP or TCP header, in pieces that a rule can hold. */
export function nftHost(base: string, offset: number, host: string): readonly string[] {
  if (!host.startsWith(BELOW)) return nftBytes(base, offset, wireName(host));
  const label = Array.from(
    { length: RANDOM_LENGTH },
    (_, at) => `@${base},${8 * (offset + 1 + at)},8 ${NFT_HEX}`,
  );
  const random = [`@${base},${8 * offset},8 ${RANDOM_LENGTH}`, ...label].join(' ');
  return [random, ...nftBytes(base, offset + 1 + RANDOM_LENGTH, wireName(host.slice(BELOW.length)))];
}

/** UDP lengths between which a question for exactly this name lies. */
export function bootstrapLengths(name: string): { readonly least: number; readonly most: number } {
  const least = 8 + DNS_HEADER + hostLength(name) + 4;
  return { least, most: least + BOOTSTRAP_SLACK };
}

/** Whether a name is one that has to stay inside the tunnel, in whatever letters it is written. */
export function isProtected(name: string, { mustTunnel }: Policy): boolean {
  if (mustTunnel.length === 0) return false;
  const ascii = asciiName(name);
  return mustTunnel.some((pattern) => matchesPattern(ascii, pattern));
}

/** What the kernel looks for in a question: octets, with letters of ASCII in both cases (RFC 4343). */
export function heldForms({ mustTunnel }: Policy): readonly NamePattern[] {
  return mustTunnel.flatMap(({ suffix, letters, itself }) => [
    { suffix, itself },
    ...(letters === undefined ? [] : [{ suffix: letters, itself }]),
  ]);
}

/**
 * The must-tunnel name of a frame's names, or of what is known of its flow; undefined when there is none.
 */
export function mustTunnelName(packet: ParsedPacket, policy: Policy): string | undefined {
  if (policy.mustTunnel.length === 0) return undefined;
  const must = (name: string): boolean => isProtected(name, policy);
  const found = packet.findings.names.find(({ name }) => must(name));
  if (found !== undefined) return found.name;
  // What a connection to a resolver has asked for is in its questions: the segments between them say nothing.
  if (packet.kind === 'dns' && packet.protocol === Protocol.TCP && packet.payloadLength === 0)
    return undefined;
  return packet.flowName !== '' && must(packet.flowName) ? packet.flowName : undefined;
}

/** How far into a question the kernel looks for must-tunnel names, and how long a question may then be. */
export interface NameScan {
  /** Bytes in front of the suffix. */
  readonly prefix: number;
  /** UDP length above which a question is not let through. */
  readonly longest: number;
  /** Bytes of the shortest suffix; as long as a name may be where there is none. */
  readonly shortest: number;
}

export function nameScan(policy: Policy): NameScan {
  const suffixes = heldForms(policy).map((pattern) => wireName(pattern.suffix).length);
  const shortest = Math.min(255, ...suffixes);
  // A name is at most 255 bytes (RFC 1035 section 2.3.4): with few suffixes every offset is looked at.
  const all = 255 - shortest;
  const prefix = Math.max(16, Math.min(all, Math.floor(RULE_BUDGET / Math.max(1, suffixes.length))));
  return { prefix, longest: prefix >= all ? 65535 : 8 + DNS_HEADER + prefix + shortest + 4, shortest };
}

/** Bits of one raw payload match: with the bytes around them so few that every tool down to JSON holds the number exactly. */
const RUN_BITS = 40;
/** The bit in which the two cases of a letter differ, counted from the byte's first. */
const CASE_BIT = 2;

/**
 * Runs in one rule: each takes three expressions of the kernel's, of which a rule holds 128 (NFT_RULE_MAXEXPRS), with the rest of the
 * rule among them.
 */
const RUNS = 32;

/**
 * Matches of `bytes` at `offset` bytes behind the UDP or TCP header (`base` is nft's name for where to count from).
 * Runs of bits between the case bits, and no mask: nft 1.1 lists a mask with holes as something else than it applied. In pieces that
 * a rule can hold.
 */
export function nftBytes(base: string, offset: number, bytes: readonly number[]): readonly string[] {
  const parts: string[] = [];
  let value = 0;
  let bits = 0;
  const close = (end: number): void => {
    if (bits > 0) parts.push(`@${base},${8 * offset + end - bits},${bits} 0x${value.toString(16)}`);
    value = 0;
    bits = 0;
  };
  for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
    const byte = bytes[bit >>> 3] ?? 0;
    if (isLetter(byte) && bit % 8 === CASE_BIT) {
      close(bit);
      continue;
    }
    if (bits === RUN_BITS) close(bit);
    value = value * 2 + ((byte >>> (7 - (bit % 8))) & 1);
    bits += 1;
  }
  close(8 * bytes.length);
  const pieces = Array.from({ length: Math.ceil(parts.length / RUNS) }, (_, at) =>
    parts.slice(RUNS * at, RUNS * (at + 1)),
  );
  return pieces.map((piece) => piece.join(' '));
}

/** A length byte is at most 63 and no letter; a letter stands for both its cases. */
function isLetter(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a;
}
