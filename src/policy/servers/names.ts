// Which names matter to a policy, and how a name looks in a DNS message, for the judge and the ruleset. Follows RFC 1035 section 3.1 (wire
// form) and RFC 4343 (case). The kernel matches constants at fixed offsets, so a name at any offset takes a rule per offset. Offsets are
// bounded, and a question that is long enough to hide a name after the last one is not let through.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { BELOW, matchesPattern } from '../schema/endpoint.ts';
import { asciiName } from './name-forms.ts';
import { NAT64_NAME } from './nat64.ts';
import { once } from '../compile/per-policy.ts';
import type { NamePattern, Policy } from '../policy.ts';
import { Protocol } from '../../wire/ip/ip.ts';

const DNS_HEADER = 12;
/** Bytes after the question for a tunnel server's own name: room for EDNS with a cookie (RFC 7873), and little else. */
const BOOTSTRAP_SLACK = 64;
/** How many rules name checks may take; names beyond that are refused by the length of the question. */
const RULE_BUDGET = 4096;

/** Whether a tunnel's server may have an IPv4 address, which a network without IPv4 translates (RFC 6877); true for a host name. */
export function hasIpv4Server({ tunnels }: Policy): boolean {
  return tunnels.some(({ endpoints }) => endpoints.some(({ hostIs }) => hostIs !== 'ipv6'));
}

/**
 * Host names of tunnels, resolvers and proxies, for which questions are let through (the bootstrap DNS exception). With an IPv4 server also
 * the name that a client must ask for in a network without IPv4 (RFC 7050, RFC 6877 section 6.3); every system asks for the same one. Each
 * once, lower case, a random label written as `*`; cached.
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

/** The wire form (RFC 1035 section 3.1): labels in UTF-8 with length bytes, then the root. No pointers. */
export function wireName(name: string): readonly number[] {
  return [...name.split('.').flatMap((label) => lengthAnd(UTF8.encode(label))), 0];
}

/**
 * The label that OpenVPN puts in front of the server's name for each connection, so that no cache answers (openvpn(8),
 * --remote-random-hostname): six random bytes in hexadecimal. A policy writes such a host as `*.vpn.example.com`.
 */
const RANDOM_LABEL = /^[0-9a-f]{12}$/;
const RANDOM_LENGTH = 12;
/** A hexadecimal digit in either case, as an nftables set. */
const NFT_HEX = '{ 0x30-0x39, 0x41-0x46, 0x61-0x66 }';

/**
 * The host of the policy that a name (lower case) is a question for, a random label included: `0123456789ab.vpn.example.com` asks for
 * `*.vpn.example.com`. Undefined if there is none.
 */
export function hostAsked(hosts: Pick<ReadonlySet<string>, 'has'>, name: string): string | undefined {
  if (hosts.has(name)) return name;
  if (name[RANDOM_LENGTH] !== '.' || !RANDOM_LABEL.test(name.slice(0, RANDOM_LENGTH))) return undefined;
  const below = `*${name.slice(RANDOM_LENGTH)}`;
  return hosts.has(below) ? below : undefined;
}

/** Length in bytes of the name in a question for this host, its root included. */
export function hostLength(host: string): number {
  return host.startsWith(BELOW)
    ? 1 + RANDOM_LENGTH + wireName(host.slice(BELOW.length)).length
    : wireName(host).length;
}

/** nft matches for a question's name at byte `offset` after `base` (nft's name for a header), split into parts that fit one rule each. */
export function nftHost(base: string, offset: number, host: string): readonly string[] {
  if (!host.startsWith(BELOW)) return nftBytes(base, offset, wireName(host));
  const label = Array.from(
    { length: RANDOM_LENGTH },
    (_, at) => `@${base},${8 * (offset + 1 + at)},8 ${NFT_HEX}`,
  );
  const random = [`@${base},${8 * offset},8 ${RANDOM_LENGTH}`, ...label].join(' ');
  return [random, ...nftBytes(base, offset + 1 + RANDOM_LENGTH, wireName(host.slice(BELOW.length)))];
}

/** Least and greatest UDP length of a question for exactly this name, in bytes with the UDP header, both inclusive. */
export function bootstrapLengths(name: string): { readonly least: number; readonly most: number } {
  const least = 8 + DNS_HEADER + hostLength(name) + 4;
  return { least, most: least + BOOTSTRAP_SLACK };
}

/** Whether a name (lower case) must stay inside the tunnel, in whichever form it is written. */
export function isProtected(name: string, { mustTunnel }: Policy): boolean {
  if (mustTunnel.length === 0) return false;
  const ascii = asciiName(name);
  return mustTunnel.some((pattern) => matchesPattern(ascii, pattern));
}

/** The forms of the mustTunnel names that the kernel searches for in a question: octets, ASCII letters in either case (RFC 4343). */
export function mustTunnelForms({ mustTunnel }: Policy): readonly NamePattern[] {
  return mustTunnel.flatMap(({ suffix, letters, itself }) => [
    { suffix, itself },
    ...(letters === undefined ? [] : [{ suffix: letters, itself }]),
  ]);
}

/** A mustTunnel name in the frame, or known from its flow, as the frame writes it; undefined if there is none. */
export function mustTunnelName(packet: ParsedPacket, policy: Policy): string | undefined {
  if (policy.mustTunnel.length === 0) return undefined;
  const must = (name: string): boolean => isProtected(name, policy);
  const found = packet.findings.names.find(({ name }) => must(name));
  if (found !== undefined) return found.name;
  // On a TCP connection to a resolver names are in the questions: segments without data reveal nothing.
  if (packet.kind === 'dns' && packet.protocol === Protocol.TCP && packet.payloadLength === 0)
    return undefined;
  return packet.flowName !== '' && must(packet.flowName) ? packet.flowName : undefined;
}

/** How far into a question the kernel searches for mustTunnel names, and how long a question may be. */
export interface NameScan {
  /** Most bytes of a name before the suffix. */
  readonly prefix: number;
  /** UDP length in bytes, header included, above which a question is not let through; 65535 where every length is searched. */
  readonly longest: number;
  /** Bytes of the shortest suffix; 255, the longest name, without suffixes. */
  readonly shortest: number;
}

/** The limits for this policy: with many names the kernel looks less far into a question, and lets only shorter ones through. */
export function nameScan(policy: Policy): NameScan {
  const suffixes = mustTunnelForms(policy).map((pattern) => wireName(pattern.suffix).length);
  const shortest = Math.min(255, ...suffixes);
  // A name has at most 255 bytes (RFC 1035 section 2.3.4): with few suffixes every offset is searched.
  const all = 255 - shortest;
  const prefix = Math.max(16, Math.min(all, Math.floor(RULE_BUDGET / Math.max(1, suffixes.length))));
  return { prefix, longest: prefix >= all ? 65535 : 8 + DNS_HEADER + prefix + shortest + 4, shortest };
}

/** Bits in one raw payload match: few enough that even JSON holds the number with the bytes around it exactly. */
const RUN_BITS = 40;
/** The bit in which the two cases of a letter differ, counted from the most significant. */
const CASE_BIT = 2;

/**
 * Runs in one rule: each takes three of the kernel's expressions, and a rule holds 128 (NFT_RULE_MAXEXPRS), including the other parts
 * of the rule.
 */
const RUNS = 32;

/**
 * nft matches for `bytes` (a name in wire form, lower case) at byte `offset` after `base`, nft's name for a header. Runs of bits between
 * the case bits instead of a mask: nft 1.1 lists a mask with holes differently from what it applied. Split into parts that fit one rule.
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

/** A length byte is at most 63, so it is never taken for a letter. */
function isLetter(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a;
}
