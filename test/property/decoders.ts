// Every decoder of bytes, under one shape. A decoder that is missing here is a decoder that nobody throws noise at: a test compares this
// list with src/wire.

import { laterClientHello } from '../../src/wire/tls/tls-behind.ts';
import { clientHelloInRecords, isClientHelloStart, isTlsRecordStart } from '../../src/wire/tls/tls-record.ts';
import { clientHello } from '../../src/wire/tls/tls-client-hello.ts';
import { Dhcp4View } from '../../src/wire/ip/dhcp4.ts';
import { Dhcp6View } from '../../src/wire/ip/dhcp6.ts';
import { dnscryptClientMagics, dnscryptRelay, isDnscryptQuery } from '../../src/wire/names/dnscrypt.ts';
import { dnsShape, dnsTcpMessages, readQuestions } from '../../src/wire/names/dns.ts';
import { readAnswers, readRecordNames } from '../../src/wire/names/dns-answers.ts';
import { cutQuestion, segmentQuestions, wholeQuestion } from '../../src/wire/names/dns-stream.ts';
import { dtlsHello, DtlsHelloReassembly } from '../../src/wire/tls/dtls.ts';
import { eapolFrame } from '../../src/wire/link/eapol.ts';
import { ERSPAN_III, erspanInner } from '../../src/wire/vpn/erspan.ts';
import { geneveInner } from '../../src/wire/vpn/geneve.ts';
import { grePacket } from '../../src/wire/vpn/gre.ts';
import { gtpInner } from '../../src/wire/vpn/gtp.ts';
import { dohQuestion } from '../../src/wire/names/doh.ts';
import { HpackReader } from '../../src/wire/application/hpack.ts';
import { huffmanDecoded } from '../../src/wire/application/hpack-huffman.ts';
import { httpRedirect } from '../../src/wire/application/http-redirect.ts';
import { canBecomeRequest, httpRequest, requestAt } from '../../src/wire/application/http1.ts';
import { HttpBody } from '../../src/wire/application/http1-body.ts';
import { http2Preface, Http2Reader } from '../../src/wire/application/http2.ts';
import { innerFrame, innerIp } from '../../src/wire/vpn/inner.ts';
import { ipInIp } from '../../src/wire/vpn/ipip.ts';
import { ahHeader, espInUdp, ikeMessage, markedIkeMessage } from '../../src/wire/vpn/ipsec.ts';
import { l2tpOverIp, l2tpPacket } from '../../src/wire/vpn/l2tp.ts';
import { linkInner } from '../../src/wire/link/link-headers.ts';
import { shimInner } from '../../src/wire/link/link-shims.ts';
import { mplsStack } from '../../src/wire/link/mpls.ts';
import { isNetbiosShape, readNetbiosQuestions } from '../../src/wire/names/nbns.ts';
import { NdView } from '../../src/wire/ip/nd.ts';
import { ntpPacket } from '../../src/wire/application/ntp.ts';
import { openvpnControl, openvpnOverTcp } from '../../src/wire/vpn/openvpn.ts';
import { pppFrame } from '../../src/wire/link/ppp.ts';
import { pppoeFrame } from '../../src/wire/link/pppoe.ts';
import { pptpControl } from '../../src/wire/vpn/pptp.ts';
import { isQuicInitialSize, isQuicLong, QuicClientFlow } from '../../src/wire/quic/quic-flow.ts';
import { googleHello } from '../../src/wire/quic/quic-google.ts';
import { socks5Request, socksOpening } from '../../src/wire/application/socks.ts';
import { ssdpMessage } from '../../src/wire/names/ssdp.ts';
import { canBecomeBanner, sshBanner } from '../../src/wire/application/ssh.ts';
import { isSstpRequest } from '../../src/wire/vpn/sstp.ts';
import { isTurnChannelData, stunMessage } from '../../src/wire/application/stun.ts';
import { teredoPacket } from '../../src/wire/vpn/teredo.ts';
import { printable } from '../../src/wire/octets.ts';
import { sctpMessages, sctpPorts } from '../../src/wire/ip/sctp.ts';
import {
  ayiyaInner,
  bareInner,
  capwapInner,
  gtpZeroInner,
  gueInner,
  lispInner,
  tzspInner,
} from '../../src/wire/vpn/udp-tunnels.ts';
import { vxlanGpeInner, vxlanPacket } from '../../src/wire/vpn/vxlan.ts';
import { wlanInner } from '../../src/wire/link/wlan.ts';
import { isTailscaleDisco, paddedHandshake, wireguardMessage } from '../../src/wire/vpn/wireguard.ts';
import { nodeQuicCrypto } from '../../appliance/os/quic-crypto.ts';

export type Decoder = (bytes: Uint8Array, start: number, end: number) => unknown;

/** All getters of a view, as a reader would ask them. */
function asked(view: object | undefined): unknown {
  if (view === undefined) return undefined;
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(view));
  return names.map((name) => {
    const value: unknown = Reflect.get(view, name);
    return typeof value === 'function' ? name : [name, value];
  });
}

function emitted(read: (emit: (...found: unknown[]) => void) => unknown): unknown {
  const found: unknown[][] = [];
  return [read((...one) => void found.push(one)), found];
}

/** By the file in src/wire that holds them. */
export const DECODERS: Readonly<Record<string, Decoder>> = {
  dhcp4: (b, s, e) => asked(Dhcp4View.of(b, s, e)),
  dhcp6: (b, s, e) => asked(Dhcp6View.of(b, s, e)),
  dns: (b, s, e) => [
    dnsShape(b, s, e),
    emitted((emit) => readQuestions(b, s, e, emit)),
    emitted((emit) => {
      dnsTcpMessages(b, s, e, (from, to) => emit(from - s, to - s));
    }),
  ],
  'dns-answers': (b, s, e) => [readAnswers(b, s, e), readRecordNames(b, s, e)],
  'dns-stream': (b, s, e) => [wholeQuestion(b, s, e), segmentQuestions(b, s, e), cutQuestion(b, s, e)],
  dnscrypt: (b, s, e) => [
    dnscryptClientMagics(b, s, e),
    isDnscryptQuery(b, s, e),
    dnscryptRelay(b, s, e)?.port,
  ],
  dtls: (b, s, e) => [dtlsHello(b, s, e), new DtlsHelloReassembly().take(b, s, e)],
  eapol: (b, s, e) => eapolFrame(b, s, e),
  erspan: (b, s, e) => erspanInner(b, { etherType: ERSPAN_III, offset: s, end: e }, true)?.etherType,
  geneve: (b, s, e) => geneveInner(b, s, e)?.etherType,
  gre: (b, s, e) => grePacket(b, s, e)?.key,
  gtp: (b, s, e) => gtpInner(b, s, e)?.etherType,
  http1: (b, s, e) => {
    const outcome = httpRequest(b, s, e);
    const head = typeof outcome === 'string' ? outcome : { ...outcome, headEnd: outcome.headEnd - s };
    return [head, requestAt(b, s, e) - s, canBecomeRequest(b, s, e)];
  },
  'http-redirect': (b, s, e) => {
    // Bytes at random seldom begin as a response.
    const response = new TextEncoder().encode('HTTP/1.1 302 Found\r\nLocation: http://');
    const whole = new Uint8Array(response.length + e - s);
    whole.set(response);
    whole.set(b.subarray(s, e), response.length);
    return [httpRedirect(b, s, e), httpRedirect(whole, 0, whole.length)];
  },
  'http1-body': (b, s, e) => {
    const body = new HttpBody();
    body.begin(-1);
    return [body.pass(b, s, e) - s, body.isOpen];
  },
  http2: (b, s, e) => {
    const reader = new Http2Reader();
    const told: unknown[] = [];
    const rest = reader.read(b, s, e, {
      hosts: (names) => told.push(...names),
      pages: (hosts) => told.push(...hosts),
      question: (bytes) => told.push([...bytes]),
    });
    return [http2Preface(b, s, e), rest - s, reader.broken, told];
  },
  hpack: (b, s, e) =>
    emitted((emit) =>
      new HpackReader().read(b, s, e, ({ name, value }) => {
        emit([...name], [...value]);
      }),
    ),
  'hpack-huffman': (b, s, e) => huffmanDecoded(b, s, e)?.length,
  doh: (b, s, e) => dohQuestion(`/?dns=${printable(b, s, e)}`)?.length,
  sctp: (b, s, e) => [
    sctpPorts(b, s, e),
    emitted((emit) => {
      sctpMessages(b, s, e, (from, to, isWhole) => emit(from - s, to - s, isWhole));
    }),
  ],
  'link-shims': (b, s, e) =>
    [0x8909, 0x88e5, 0x893f, 0x8926, 0x88e7, 0x9200, 0x22f3, 0x8903, 0x894f, 0x880b].map(
      (type) => shimInner(b, type, s, e)?.etherType,
    ),
  'udp-tunnels': (b, s, e) =>
    [
      capwapInner(b, s, e),
      ayiyaInner(b, s, e),
      lispInner(b, s, e),
      tzspInner(b, s, e),
      gueInner(b, s, e),
      gtpZeroInner(b, s, e),
      bareInner(b, s, e, e),
    ].map((inner) => inner?.etherType),
  wlan: (b, s, e) => wlanInner(b, s, e)?.etherType,
  inner: (b, s, e) => [innerIp(b, s, e)?.etherType, innerFrame(b, s, e)?.etherType],
  ipip: (b, s, e) => ipInIp(4, b, s, e)?.etherType,
  ipsec: (b, s, e) => [
    ikeMessage(b, s, e),
    markedIkeMessage(b, s, e),
    espInUdp(b, s, e),
    ahHeader(b, s, e)?.spi,
  ],
  l2tp: (b, s, e) => [l2tpPacket(b, s, e)?.session, l2tpOverIp(b, s, e)?.session],
  'link-headers': (b, s, e) =>
    [6, 10, 11, 104, 107, 109, 122, 239, 258].map((type) => linkInner(b, s, e, type)?.etherType),
  mpls: (b, s, e) => mplsStack(b, s, e)?.labels,
  nbns: (b, s, e) => [isNetbiosShape(b, s, e), emitted((emit) => readNetbiosQuestions(b, s, e, emit))],
  nd: (b, s, e) => asked(NdView.of(b, s, e)),
  ntp: (b, s, e) => ntpPacket(b, s, e),
  openvpn: (b, s, e) => [openvpnControl(b, s, e), openvpnOverTcp(b, s, e)],
  ppp: (b, s, e) => pppFrame(b, s, e)?.protocol,
  pppoe: (b, s, e) => pppoeFrame(b, s, e)?.code,
  pptp: (b, s, e) => pptpControl(b, s, e),
  'quic-flow': (b, s, e) => [
    isQuicLong(b, s, e),
    isQuicInitialSize(b, s, e),
    new QuicClientFlow(nodeQuicCrypto).accept(b, s, e),
  ],
  'quic-google': (b, s, e) => googleHello(b, s, e),
  socks: (b, s, e) =>
    [socksOpening(b, s, e), socks5Request(b, s, e)].map((found) =>
      typeof found === 'string' ? found : found.host,
    ),
  ssdp: (b, s, e) => ssdpMessage(b, s, e),
  ssh: (b, s, e) => [sshBanner(b, s, e), canBecomeBanner(b, s, e)],
  sstp: (b, s, e) => isSstpRequest(b, s, e),
  stun: (b, s, e) => [stunMessage(b, s, e), isTurnChannelData(b, s, e)],
  teredo: (b, s, e) => teredoPacket(b, s, e)?.certain,
  'tls-behind': (b, s, e) => laterClientHello(b, s, e) - s,
  'tls-client-hello': (b, s, e) => clientHello(b, s, e),
  'tls-record': (b, s, e) => [
    isClientHelloStart(b, s, e),
    isTlsRecordStart(b, s, e),
    clientHelloInRecords(b, s, e, true),
  ],
  vxlan: (b, s, e) => [vxlanPacket(b, s, e)?.network, vxlanGpeInner(b, s, e)?.etherType],
  wireguard: (b, s, e) => [wireguardMessage(b, s, e), isTailscaleDisco(b, s, e), paddedHandshake(b, s, e)],
};

/** Files of src/wire that hold no decoder of packets: values, texts, tables, sums, and capture formats, which have tests of their own. */
export const NO_DECODERS: readonly string[] = [
  'address',
  'address-octets',
  'capture',
  'capture-format',
  'capture-magic',
  'dns-name',
  'doh-providers',
  'ethernet',
  'icmp',
  'ip',
  'link-types',
  'name-text',
  'octets',
  'pcap',
  'pcapng',
  'pcapng-write',
  'quic-crypto',
  'quic-initial',
  'quic-versions',
  'tor',
  'udp-checksum',
];
