// What one `allow` row of a policy opens, for the judge and the ruleset. A row without port does not open the ports on which names are
// asked for: a user who allows the printer's network must not thereby allow DNS to its router.

import { parseMac } from '../../wire/ip/address.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import type { Direction } from '../compile/counted.ts';
import { NAME_PORTS } from './direct.ts';
import { address, ether, port, protocol } from './fields.ts';
import type { AddressField, NumberField } from './fields.ts';
import { is, isIn, isNot } from './match.ts';
import type { Term } from './match.ts';
import type { AllowRule } from '../policy.ts';

/**
 * Matches for unfragmented packets of the row's family without options or extension headers, up (client to network) or down (back); a
 * packet passes if all terms of one of them hold.
 */
export function allowRules(row: AllowRule, direction: Direction): readonly Term[][] {
  const [near, far] =
    direction === 'up' ? (['source', 'destination'] as const) : (['destination', 'source'] as const);
  const { to, transport, port: number } = row;
  const whom = clientAndNetwork(row, ether[near], address[to.ipVersion][far]);
  const icmp = [is(protocol, to.ipVersion === 4 ? Protocol.ICMP : Protocol.ICMPV6), ...whom];
  if (transport === 'icmp') return [icmp];
  if (transport === undefined)
    return [icmp, [is(protocol, Protocol.TCP, Protocol.UDP), isNot(port.th[far], ...NAME_PORTS), ...whom]];
  const field = port[transport][far];
  return [[number === undefined ? isNot(field, ...NAME_PORTS) : is(field, number), ...whom]];
}

/** Terms for a row's client, in the field `near`, and network, in the field `far`; none for any client, or for every address. */
export function clientAndNetwork(
  { to, client }: Pick<AllowRule, 'to' | 'client'>,
  near: NumberField,
  far: AddressField,
): readonly Term[] {
  return [
    ...(client === undefined ? [] : [is(near, parseMac(client) ?? -1)]),
    ...(to.length === 0 ? [] : [isIn(far, prefixText(to))]),
  ];
}

/** The network as nft lists it, `a.b.c.d/len`; a single address without prefix length. */
export function prefixText({ ipVersion, address: host, length }: AllowRule['to']): string {
  return length === (ipVersion === 4 ? 32 : 128) ? host : `${host}/${length}`;
}
