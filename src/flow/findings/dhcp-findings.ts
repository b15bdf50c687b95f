// Turns DHCP messages into findings: identity and offer. RFC 2131, 2132 and 8415.
// The host name of option 12 counts as a name; other identifiers are part of the identity.

import { Dhcp4View, DHCP_ACK, DHCP_OFFER, DHCP_REQUEST } from '../../wire/ip/dhcp4.ts';
import { Dhcp6View } from '../../wire/ip/dhcp6.ts';
import { portalOf } from './findings.ts';
import type { Findings, Identity, NetworkOffer } from '../parsed-packet.ts';

const MESSAGES = ['BOOTP', 'discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform'];

/**
 * Findings of the DHCPv4 or BOOTP message (RFC 2131, RFC 2132) in a UDP payload from `start` to before `end`: of a client its name,
 * identity and request, of a server an offer if it is OFFER or ACK with a server identifier. Undefined when it is not such a message; never
 * throws.
 */
export function dhcp4Findings(bytes: Uint8Array, start: number, end: number): Findings | undefined {
  const view = Dhcp4View.of(bytes, start, end);
  if (view === undefined) return undefined;
  const name = view.hostName;
  const word = MESSAGES[view.messageType] ?? `message type ${view.messageType}`;
  const detail = view.malformed ? `${word}, malformed` : word;
  const offer = view.reply ? offerOf(view) : undefined;
  const identity = view.reply ? undefined : identityOf(view);
  return {
    names: name === undefined || view.reply ? [] : [{ name, via: 'dhcp' }],
    answers: [],
    detail,
    ...(offer === undefined ? {} : { offer }),
    ...(identity === undefined ? {} : { identity }),
    ...(!view.reply && view.messageType === DHCP_REQUEST ? { leaseRequest: view.transaction } : {}),
  };
}

function identityOf(view: Dhcp4View): Identity {
  return compact({
    hostName: view.hostName ?? view.clientFqdn,
    vendorClass: view.vendorClass,
    clientId: view.clientId,
    fingerprint: view.parameterList,
    previousAddress: view.requestedAddress,
  });
}

function offerOf(view: Dhcp4View): NetworkOffer | undefined {
  const server = view.serverIdentifier;
  if (server === undefined || (view.messageType !== DHCP_OFFER && view.messageType !== DHCP_ACK))
    return undefined;
  const { routes, resolvers } = view;
  return {
    server,
    ...portalOf(view.captivePortal),
    ...compact({
      address: view.yourAddress,
      client: view.messageType === DHCP_ACK ? view.clientMac : undefined,
      transaction: view.messageType === DHCP_ACK ? view.transaction : undefined,
      prefixLength: view.prefixLength,
      router: view.routers[0],
      leaseSeconds: view.leaseSeconds,
      routes:
        routes.length === 0
          ? undefined
          : routes.map(({ network, prefixLength, router }) => `${network}/${prefixLength} via ${router}`),
      resolvers: resolvers.length === 0 ? undefined : resolvers,
    }),
  };
}

/**
 * Findings of the DHCPv6 message (RFC 8415) in a UDP payload from `start` to before `end`: of a client its identity, of a server with a
 * DUID an offer with the first address. Undefined when it is not such a message; never throws.
 */
export function dhcp6Findings(bytes: Uint8Array, start: number, end: number): Findings | undefined {
  const view = Dhcp6View.of(bytes, start, end);
  if (view === undefined) return undefined;
  if (!view.reply) {
    const identity = compact({
      hostName: view.clientFqdn,
      vendorClass: view.vendorClass,
      clientId: view.clientDuid,
      fingerprint: view.optionRequest,
    });
    return { names: [], answers: [], identity };
  }
  const server = view.serverDuid;
  if (server === undefined) return { names: [], answers: [] };
  const [lease] = view.addresses;
  const offer: NetworkOffer = {
    server,
    ...portalOf(view.captivePortal),
    ...compact({
      address: lease?.address,
      leaseSeconds: lease?.validSeconds,
      resolvers: view.resolvers.length === 0 ? undefined : view.resolvers,
    }),
  };
  return { names: [], answers: [], offer };
}

/** A copy of the object without its undefined fields. */
function compact<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
