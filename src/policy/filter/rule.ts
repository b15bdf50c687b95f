// Knows: what a rule about essential traffic is made of. Must not know: which there are.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { Kind } from '../../flow/kinds.ts';
import type { Neighbours } from './neighbours.ts';
import { ipLength } from './fields.ts';
import { named } from './match.ts';
import type { Named, Term } from './match.ts';

/** Kinds that the kernel counts essential traffic as; by what it is, whatever port it comes from. */
export const ESSENTIAL_KINDS = ['arp', 'eapol', 'dhcp', 'dhcp6', 'nd', 'icmp', 'igmp-mld'] as const;
export type EssentialKind = (typeof ESSENTIAL_KINDS)[number] & Kind;

/** What depends on policy or was learned. */
export interface Peers {
  /** Whether this unicast renewal goes to the learned DHCP server, by address and MAC. */
  isDhcpServer(packet: ParsedPacket): boolean;
  /** Whom may be looked for on the link (src/policy/filter/neighbours.ts). */
  readonly neighbours: Neighbours;
}

export interface EssentialRule {
  /** The counter that its packets add to. */
  readonly kind: EssentialKind;
  readonly match: readonly Term<Peers>[];
  /** The chain that looks further, where a match alone does not let a packet cross. */
  readonly further: Named<Peers> | undefined;
}

export function essential(
  kind: EssentialKind,
  match: readonly Term<Peers>[],
  further?: Named<Peers>,
): EssentialRule {
  return { kind, match, further };
}

/** An IPv6 packet of exactly this length, and nothing behind it: none of these is shorter than any frame. */
export function whole6(length: number): Named {
  return named(nftWhole6(length), (packet) => ipLength[6].read(packet) === length && !packet.spare);
}

export function nftWhole6(length: number): string {
  return `ip6 length ${length} meta length ${length + 40}`;
}
