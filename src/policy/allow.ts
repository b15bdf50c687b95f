// Knows: what one `allow` rule of a policy opens, for the judge and the ruleset side by side. Must not know: other rules.
// A rule without port opens no port on which names are asked for: who allows the printer's
// network must not thereby allow its router to be asked.

import type { Facts } from '../flow/facts.ts';
import { ipv4Words, inNetwork, parseAddress, parseMac } from '../wire/address.ts';
import type { Way } from './counted.ts';
import { NFT_NAME_PORTS, isNamePort } from './direct.ts';
import type { AllowRule } from './policy.ts';

export interface CompiledAllow {
  readonly ipVersion: 4 | 6;
  readonly network: Uint32Array;
  /** Prefix length over all 128 bits. */
  readonly bits: number;
  readonly rule: AllowRule;
  /** MAC address, or -1 for every client. */
  readonly client: number;
}

export function compileAllow(rule: AllowRule): CompiledAllow {
  const { ipVersion, address, length } = rule.to;
  return {
    ipVersion,
    network: parseAddress(address)?.words ?? ipv4Words(0),
    bits: ipVersion === 4 ? 96 + length : length,
    rule,
    client: rule.client === undefined ? -1 : (parseMac(rule.client) ?? -1),
  };
}

/** For whole packets without options or extension headers. */
export function matchesAllow(allow: CompiledAllow, facts: Facts, way: Way): boolean {
  const far = way === 'up' ? facts.destination : facts.source;
  const client = way === 'up' ? facts.sourceMac : facts.destinationMac;
  if (facts.ipVersion !== allow.ipVersion || !inNetwork(far, allow.network, allow.bits)) return false;
  if (allow.rule.client !== undefined && client !== allow.client) return false;
  const { transport, port } = allow.rule;
  const icmp = facts.protocol === (facts.ipVersion === 4 ? 1 : 58);
  if (transport === 'icmp') return icmp;
  if (facts.protocol !== 6 && facts.protocol !== 17)
    return transport === undefined && port === undefined && icmp;
  if (transport !== undefined && facts.protocol !== (transport === 'tcp' ? 6 : 17)) return false;
  const farPort = way === 'up' ? facts.destinationPort : facts.sourcePort;
  return port === undefined ? farPort >= 0 && !isNamePort(farPort) : farPort === port;
}

/** The rules of one allow entry in one direction, without their verdict. */
export function nftAllow(allow: AllowRule, way: Way): readonly string[] {
  const far = `${allow.to.ipVersion === 4 ? 'ip' : 'ip6'} ${way === 'up' ? 'daddr' : 'saddr'}`;
  const to = allow.to.length === 0 ? '' : `${far} ${prefixText(allow)} `;
  const client =
    allow.client === undefined ? '' : `ether ${way === 'up' ? 'saddr' : 'daddr'} ${allow.client} `;
  const icmp = `meta l4proto ${allow.to.ipVersion === 4 ? 'icmp' : 'ipv6-icmp'} ${client}${to}`;
  if (allow.transport === 'icmp') return [icmp];
  const port = way === 'up' ? 'dport' : 'sport';
  const what = allow.port === undefined ? `!= { ${NFT_NAME_PORTS} }` : String(allow.port);
  const transport = allow.transport === undefined ? 'meta l4proto { tcp, udp } th' : allow.transport;
  const rule = `${transport} ${port} ${what} ${client}${to}`;
  return allow.transport === undefined && allow.port === undefined ? [icmp, rule] : [rule];
}

function prefixText(allow: AllowRule): string {
  const { ipVersion, address, length } = allow.to;
  return length === (ipVersion === 4 ? 32 : 128) ? address : `${address}/${length}`;
}
