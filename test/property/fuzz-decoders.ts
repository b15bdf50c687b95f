// Knows: every decoder of bytes, each behind one call. Must not know: what it should find.

import { nodeQuicCrypto } from '../../appliance/quic-crypto.ts';
import { Facts } from '../../src/flow/facts.ts';
import { readHeaders } from '../../src/flow/headers.ts';
import { recogniseTcp, recogniseUdp } from '../../src/flow/recognise.ts';
import { Dhcp4View } from '../../src/wire/dhcp4.ts';
import { Dhcp6View } from '../../src/wire/dhcp6.ts';
import { dnsShape, dnsTcpMessages, ednsUdpSize, readQuestions } from '../../src/wire/dns.ts';
import { readAnswers, readRecordNames } from '../../src/wire/dns-answers.ts';
import { readName } from '../../src/wire/dns-name.ts';
import { dnscryptClientMagics, isDnscryptResponse } from '../../src/wire/dnscrypt.ts';
import { dtlsHello, isDtlsRecords } from '../../src/wire/dtls.ts';
import { eapolFrame } from '../../src/wire/eapol.ts';
import { grePacket } from '../../src/wire/gre.ts';
import { httpRequest } from '../../src/wire/http1.ts';
import { igmpMessage } from '../../src/wire/igmp.ts';
import { espInUdp, ikeMessage, markedIkeMessage } from '../../src/wire/ipsec.ts';
import { l2tpPacket } from '../../src/wire/l2tp.ts';
import { mplsStack } from '../../src/wire/mpls.ts';
import { isNetbiosShape, readNetbiosQuestions } from '../../src/wire/nbns.ts';
import { NdView } from '../../src/wire/nd.ts';
import { ntpPacket } from '../../src/wire/ntp.ts';
import { openvpnControl, openvpnOverTcp } from '../../src/wire/openvpn.ts';
import { pppFrame } from '../../src/wire/ppp.ts';
import { pppoeFrame } from '../../src/wire/pppoe.ts';
import { pptpControl } from '../../src/wire/pptp.ts';
import { QuicClientFlow } from '../../src/wire/quic-flow.ts';
import { socksOpening } from '../../src/wire/socks.ts';
import { sshBanner } from '../../src/wire/ssh.ts';
import { ssdpMessage } from '../../src/wire/ssdp.ts';
import { isSstpRequest } from '../../src/wire/sstp.ts';
import { isTurnChannelData, stunMessage } from '../../src/wire/stun.ts';
import { teredoPacket } from '../../src/wire/teredo.ts';
import { clientHello, dtlsClientHello, ssl2ClientHello } from '../../src/wire/tls-client-hello.ts';
import { clientHelloInRecords } from '../../src/wire/tls-record.ts';
import { vxlanPacket } from '../../src/wire/vxlan.ts';
import { wireguardMessage } from '../../src/wire/wireguard.ts';

type Decoder = (bytes: Uint8Array, start: number, end: number) => unknown;

/** Every getter of a view is read: that is where a view that was let through too early would throw. */
function everyField(view: object | undefined): unknown {
  if (view === undefined) return undefined;
  const prototype = Object.getPrototypeOf(view) as object;
  const fields = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  return fields.flatMap(([name, own]) => ('get' in own ? [(view as Record<string, unknown>)[name]] : []));
}

const facts = new Facts();
const LINK_TYPES = [0, 1, 9, 12, 101, 105, 113, 127, 192, 228, 229, 276];

export const DECODERS: Readonly<Record<string, Decoder>> = {
  ...Object.fromEntries(
    LINK_TYPES.map((type): [string, Decoder] => [
      `headers of link type ${String(type)}`,
      (b, s, e) => readHeaders(b, s, e, e - s, type, facts),
    ]),
  ),
  'dns shape': dnsShape,
  'dns questions': (b, s, e) => readQuestions(b, s, e, () => undefined),
  'dns answers': readAnswers,
  'dns record names': readRecordNames,
  'dns edns': ednsUdpSize,
  'dns name': (b, s, e) => readName(b, s, e, s),
  'dns over tcp': (b, s, e) => dnsTcpMessages(b, s, e, () => undefined),
  nbns: (b, s, e) => [isNetbiosShape(b, s, e), readNetbiosQuestions(b, s, e, () => undefined)],
  ssdp: ssdpMessage,
  dhcp4: (b, s, e) => everyField(Dhcp4View.of(b, s, e)),
  dhcp6: (b, s, e) => everyField(Dhcp6View.of(b, s, e)),
  nd: (b, s, e) => everyField(NdView.of(b, s, e)),
  'tls client hello': clientHello,
  'tls records': clientHelloInRecords,
  'ssl2 client hello': ssl2ClientHello,
  'dtls client hello': dtlsClientHello,
  dtls: (b, s, e) => [dtlsHello(b, s, e), isDtlsRecords(b, s, e)],
  quic: (b, s, e) => new QuicClientFlow(nodeQuicCrypto).accept(b, s, e),
  http: httpRequest,
  socks: socksOpening,
  wireguard: wireguardMessage,
  openvpn: openvpnControl,
  'openvpn over tcp': openvpnOverTcp,
  ike: (b, s, e) => [ikeMessage(b, s, e), markedIkeMessage(b, s, e), espInUdp(b, s, e)],
  stun: (b, s, e) => [stunMessage(b, s, e), isTurnChannelData(b, s, e)],
  ntp: ntpPacket,
  gre: grePacket,
  ppp: pppFrame,
  pppoe: pppoeFrame,
  pptp: pptpControl,
  l2tp: l2tpPacket,
  teredo: teredoPacket,
  vxlan: vxlanPacket,
  mpls: mplsStack,
  ssh: sshBanner,
  sstp: isSstpRequest,
  igmp: igmpMessage,
  eapol: eapolFrame,
  dnscrypt: (b, s, e) => [isDnscryptResponse(b, s, e), dnscryptClientMagics(b, s, e)],
  'recognise udp': (b, s, e) => recogniseUdp(b, s, e, 40000, 1194),
  'recognise tcp': (b, s, e) => recogniseTcp(b, s, e, 'client'),
};
