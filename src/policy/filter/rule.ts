// The type of a rule about essential traffic; the rules are in essential.ts and beside it.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { Kind } from '../../flow/kinds.ts';
import type { Neighbours } from './neighbours.ts';
import { ipLength } from './fields.ts';
import { named } from './match.ts';
import type { Named, Term } from './match.ts';

/** Kinds under which the kernel counts essential traffic, whatever port it comes from. */
export const ESSENTIAL_KINDS = ['arp', 'eapol', 'dhcp', 'dhcp6', 'nd', 'icmp', 'igmp-mld'] as const;
export type EssentialKind = (typeof ESSENTIAL_KINDS)[number] & Kind;

/** What the judge looks up where the kernel has sets, from policy and learned state. */
export interface Peers {
  /** Whether this unicast renewal goes to the learned DHCP server, by address and MAC. */
  isDhcpServer(packet: ParsedPacket): boolean;
  /** Which addresses may be looked up on the link (src/policy/filter/neighbours.ts). */
  readonly neighbours: Neighbours;
}

/** One rule about essential traffic, for judge and ruleset. */
export interface EssentialRule {
  /** The counter that its packets add to. */
  readonly kind: EssentialKind;
  /** All must hold. */
  readonly match: readonly Term<Peers>[];
  /** A chain with further conditions, where the match alone does not let a packet cross. */
  readonly further: Named<Peers> | undefined;
}

/** A rule; without `further`, its match alone lets a packet cross. */
export function essential(
  kind: EssentialKind,
  match: readonly Term<Peers>[],
  further?: Named<Peers>,
): EssentialRule {
  return { kind, match, further };
}

/**
 * An IPv6 packet of exactly this payload length in bytes (RFC 8200 section 3), and nothing after it: such a packet is long enough to need
 * no padding.
 */
export function whole6(length: number): Named {
  return named(nftWhole6(length), (packet) => ipLength[6].read(packet) === length && !packet.hasExtraData);
}

/** nft matches for an IPv6 packet of this payload length with nothing after it. */
export function nftWhole6(length: number): string {
  return `ip6 length ${length} meta length ${length + 40}`;
}
