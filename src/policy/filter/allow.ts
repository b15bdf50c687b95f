// Knows: what one `allow` row of a policy opens, once for the judge and the ruleset. Must not know: other rows.
// A row without port opens no port on which names are asked for: who allows the printer's
// network must not thereby allow its router to be asked.

import { parseMac } from '../../wire/ip/address.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import type { Direction } from '../compile/counted.ts';
import { NAME_PORTS } from './direct.ts';
import { address, ether, port, protocol } from './fields.ts';
import type { AddressField, NumberField } from './fields.ts';
import { is, isIn, isNot } from './match.ts';
import type { Term } from './match.ts';
import type { AllowRule } from '../policy.ts';

/** For whole packets of the row's family without options or extension headers; any of these lets one go. */
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

/** Whom a row is about, and where to; nothing is asked where that is anybody, or everywhere. */
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

/** As nft lists it: a single address has no length. */
export function prefixText({ ipVersion, address: host, length }: AllowRule['to']): string {
  return length === (ipVersion === 4 ? 32 : 128) ? host : `${host}/${length}`;
}
