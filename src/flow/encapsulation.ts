// Knows: which packet a frame carries inside another. Must not know: what the inner one says, policy.
// Follows RFC 2784 and 2637 (GRE), 2003, 2473 and 4213 (IP in IP), 2516 (PPPoE), 3032 (MPLS), 4380 (Teredo), 7348 (VXLAN),
// 2661 and 3931 (L2TP), 4302 (AH), 3GPP TS 29.281 (GTP). Names found inside are on the wire in clear all the same.

import { EtherType } from '../wire/ethernet.ts';
import { grePacket } from '../wire/gre.ts';
import { gtpInner } from '../wire/gtp.ts';
import { INNER_PPP, innerIp } from '../wire/inner.ts';
import type { Inner } from '../wire/inner.ts';
import { Protocol } from '../wire/ip.ts';
import { ipInIp } from '../wire/ipip.ts';
import { ahHeader } from '../wire/ipsec.ts';
import { l2tpOverIp, l2tpPacket } from '../wire/l2tp.ts';
import { mplsStack } from '../wire/mpls.ts';
import { pppFrame } from '../wire/ppp.ts';
import { pppoeFrame } from '../wire/pppoe.ts';
import { teredoPacket } from '../wire/teredo.ts';
import { vxlanPacket } from '../wire/vxlan.ts';
import type { Facts } from './facts.ts';

const GTP_USER = 2152;

/** The readable packet inside the frame that `facts` were read from, or undefined. Kinds must be set already. */
export function innerOf(bytes: Uint8Array, facts: Facts): Inner | undefined {
  const inner = facts.ipVersion === 0 ? innerOfLink(bytes, facts) : innerOfIp(bytes, facts);
  return inner === undefined || inner.etherType < 0 || inner.offset >= inner.end ? undefined : inner;
}

function innerOfLink(bytes: Uint8Array, facts: Facts): Inner | undefined {
  const { payloadOffset, payloadEnd } = facts;
  switch (facts.etherType) {
    case EtherType.PPPOE_SESSION:
      return pppoeFrame(bytes, payloadOffset, payloadEnd)?.ppp?.inner;
    case EtherType.MPLS:
    case EtherType.MPLS_MULTICAST:
      return mplsStack(bytes, payloadOffset, payloadEnd)?.inner;
    default:
      return undefined;
  }
}

function innerOfIp(bytes: Uint8Array, facts: Facts): Inner | undefined {
  const { upperOffset, payloadOffset, payloadEnd } = facts;
  switch (facts.protocol) {
    case Protocol.UDP:
      return innerOfUdp(bytes, facts);
    case Protocol.GRE:
      return unwrapPpp(bytes, grePacket(bytes, upperOffset, payloadEnd)?.inner);
    case Protocol.IPIP:
    case Protocol.IPV6:
      return ipInIp(facts.protocol, bytes, upperOffset, payloadEnd);
    case Protocol.L2TP: {
      const packet = l2tpOverIp(bytes, upperOffset, payloadEnd);
      return packet === undefined || packet.control
        ? undefined
        : unwrapL2tp(bytes, packet.dataOffset, payloadEnd);
    }
    case Protocol.AH:
      return innerOfAh(bytes, upperOffset, payloadEnd);
    case Protocol.MPLS_IN_IP:
      return mplsStack(bytes, payloadOffset, payloadEnd)?.inner;
    default:
      return undefined;
  }
}

function innerOfUdp(bytes: Uint8Array, facts: Facts): Inner | undefined {
  const { payloadOffset, payloadEnd } = facts;
  switch (facts.kind) {
    case 'vxlan':
      return vxlanPacket(bytes, payloadOffset, payloadEnd)?.inner;
    case 'teredo':
      return teredoPacket(bytes, payloadOffset, payloadEnd)?.inner;
    case 'l2tp': {
      const packet = l2tpPacket(bytes, payloadOffset, payloadEnd);
      if (packet === undefined || packet.control) return undefined;
      return unwrapL2tp(bytes, packet.dataOffset, payloadEnd);
    }
    case 'udp':
      // Mobile networks' own tunnel has no kind: what it carries is read all the same.
      return facts.destinationPort === GTP_USER || facts.sourcePort === GTP_USER
        ? gtpInner(bytes, payloadOffset, payloadEnd)
        : undefined;
    default:
      return undefined;
  }
}

/** Version 2 carries PPP; a version 3 pseudowire may carry IP at once or behind a sublayer of four octets. */
function unwrapL2tp(bytes: Uint8Array, offset: number, end: number): Inner | undefined {
  return (
    innerIp(bytes, offset, end) ?? innerIp(bytes, offset + 4, end) ?? pppFrame(bytes, offset, end)?.inner
  );
}

function unwrapPpp(bytes: Uint8Array, inner: Inner | undefined): Inner | undefined {
  if (inner?.etherType !== INNER_PPP) return inner;
  return pppFrame(bytes, inner.offset, inner.end)?.inner;
}

/** AH hides nothing: in tunnel mode an IP packet follows. Transport mode is left to `ipsec`. */
function innerOfAh(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  const header = ahHeader(bytes, start, end);
  if (header === undefined) return undefined;
  const carriesIp = header.nextProtocol === Protocol.IPIP || header.nextProtocol === Protocol.IPV6;
  return carriesIp ? innerIp(bytes, header.innerOffset, end) : undefined;
}
