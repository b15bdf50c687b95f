// Knows: the closed list of what a frame can be. Must not know: policy, verdicts, bytes.
// Every frame has exactly one kind; doubt is `unknown`-like (`other-ip`, `l2-other`) or `malformed`.

/** Every kind a frame can have, in the order in which counters and reports list them. */
export const KINDS = [
  'tunnel',
  'arp',
  'dhcp',
  'dhcp6',
  'nd',
  'eapol',
  'dns',
  'mdns',
  'llmnr',
  'nbns',
  'ssdp',
  'dot',
  'doq',
  'doh',
  'dnscrypt',
  'http',
  'tls',
  'quic',
  'stun',
  'ntp',
  'icmp',
  'tcp',
  'udp',
  'igmp-mld',
  'pptp',
  'gre',
  'l2tp',
  'ipip',
  '6in4',
  'teredo',
  'vxlan',
  'socks',
  'http-proxy',
  'wireguard',
  'openvpn',
  'ipsec',
  'tor',
  'ssh',
  'dtls',
  'other-ip',
  'fragment',
  'vlan',
  'pppoe',
  'l2-other',
  'malformed',
] as const;

export type Kind = (typeof KINDS)[number];

/** What a tunnel can speak; `opaque` is one of which nothing is known but where it goes. */
export const TUNNEL_PROTOCOLS = [
  'wireguard',
  'openvpn',
  'ipsec',
  'tor',
  'opaque',
  // Meshes: peers may be anywhere.
  'tailscale',
  'nebula',
  'zerotier',
] as const;
export type TunnelProtocol = (typeof TUNNEL_PROTOCOLS)[number];

/** What carried a name to where Eve can read it. */
export const VIAS = ['dns', 'mdns', 'llmnr', 'nbns', 'sni', 'quic', 'http', 'dhcp', 'referer'] as const;
export type Via = (typeof VIAS)[number];

/** A name that a client asked for or said about itself, normalised as src/wire/names/name-text.ts does. */
export interface Name {
  readonly name: string;
  readonly via: Via;
  /** The server name is the outer one of an Encrypted ClientHello (RFC 9849): the inner one stays hidden. */
  readonly outer?: true;
  /** It stood in an answer: whether anybody asked, only a question can tell. */
  readonly asked?: false;
  /** It stands in another section of a question than where questions stand. */
  readonly record?: true;
  /** Its end is somewhere else in the message (RFC 1035 section 4.1.4), where no question has to have it. */
  readonly pointed?: true;
}
