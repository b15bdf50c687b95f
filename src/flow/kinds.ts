// The closed list of what a frame can be. Every frame has exactly one kind; a frame in doubt has an unspecific one (`other-ip`,
// `l2-other`) or is `malformed`.

/** Every kind of frame, in the order of counters and reports. */
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

/** Protocols of tunnels; of an `opaque` one nothing is known but its endpoint. */
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

/** The protocols in which names can be read in the clear. */
export const VIAS = ['dns', 'mdns', 'llmnr', 'nbns', 'sni', 'quic', 'http', 'dhcp', 'referer'] as const;
export type Via = (typeof VIAS)[number];

/** A name that a client asked for or said about itself. */
export interface Name {
  /** In the form of src/wire/names/name-text.ts: lower case, no trailing dot; never ''. */
  readonly name: string;
  readonly via: Via;
  /** It is the outer server name of an Encrypted ClientHello (RFC 9849); the inner one stays hidden. */
  readonly outer?: true;
  /** It was in an answer, which does not prove that anyone asked. */
  readonly asked?: false;
  /** It was in a query, but outside the question section. */
  readonly record?: true;
  /** It ended in a compression pointer (RFC 1035 section 4.1.4), which no question needs. */
  readonly pointed?: true;
}
