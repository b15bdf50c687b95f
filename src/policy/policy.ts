// The policy as a closed type. A value of type Policy has been validated: code that takes one need not check it again.

import type { TunnelProtocol } from '../flow/kinds.ts';
import type { ZerotierForm } from './shapes/protocols.ts';
import type { WireguardForm } from './shapes/wireguard-forms.ts';

export const PROFILES = ['full-tunnel', 'proxy-stub', 'split'] as const;
type Profile = (typeof PROFILES)[number];

/**
 * Where direct traffic may go. `any`: anywhere (in split: except addresses that have served a protected name). `answered`, in split
 * only: to addresses that a DNS answer has just given. `none`, in proxy-stub only: nowhere.
 */
export const DIRECT = ['any', 'answered', 'none'] as const;
export type Direct = (typeof DIRECT)[number];

export type Transport = 'udp' | 'tcp';

/** Where a tunnel server, resolver or proxy is: a literal address, or a name that is resolved on the wire. */
export interface Endpoint {
  readonly transport: Transport;
  /** Canonical address text (RFC 5952) or a lower-case host name without trailing dot. */
  readonly host: string;
  readonly hostIs: 'ipv4' | 'ipv6' | 'name';
  /** Where an endpoint of a tunnel has a range of ports, its first port. */
  readonly port: number;
  /** Inclusive; absent for a single port. */
  readonly lastPort?: number;
  /** Prefix length in bits, where an endpoint of a tunnel is a network of servers. */
  readonly length?: number;
}

/** The part of a tunnel's configuration that decides what its packets look like. */
export type TunnelForm = WireguardForm | ZerotierForm;

/** A tunnel that the user trusts: only its packets may leave. */
export interface Tunnel {
  /** Unique in the policy, at most 64 characters. */
  readonly name: string;
  readonly protocol: TunnelProtocol;
  readonly endpoints: readonly Endpoint[];
  /** Present where the configuration changes WireGuard's packets, or gives the address of the client's ZeroTier node. */
  readonly form?: TunnelForm;
  /** The user has agreed to peers at any address. */
  readonly anywhere?: boolean;
  /** Date of the service's server list, `2026-11-29`. */
  readonly listed?: string;
}

/** A designated encrypted resolver (proxy-stub): `dot:9.9.9.9:853`, `doq:…`, `doh:203.0.113.5:443/dns.example`. */
export interface Resolver {
  readonly protocol: 'dot' | 'doq' | 'doh';
  readonly endpoint: Endpoint;
  /** Host name in its certificate, lower case; absent where the policy does not set it. */
  readonly serverName?: string;
}

/** A name, or with `subdomains` every name below it too. `bank.example` matches itself and below; `*.x` only below. */
export interface NamePattern {
  /** In ASCII (Punycode, RFC 3492), lower case. */
  readonly suffix: string;
  /** The same in Unicode, where that differs. */
  readonly letters?: string;
  readonly itself: boolean;
}

/** An IP network, or a single address (length 32 or 128). */
export interface Prefix {
  readonly ipVersion: 4 | 6;
  /** Canonical text of the network address. */
  readonly address: string;
  /** In bits; no bit of the address is set after it. */
  readonly length: number;
}

/** What may go past the tunnel besides, and come back. */
export interface AllowRule {
  /** Length 0: every address of that family. */
  readonly to: Prefix;
  /** Absent: TCP, UDP and ICMP. */
  readonly transport?: Transport | 'icmp';
  /** Of the far end; only with `udp` or `tcp`. Absent: all ports but those on which names are asked for. */
  readonly port?: number;
  /** Only this client: its MAC address in lower case with colons. */
  readonly client?: string;
  readonly why: string;
}

/**
 * What shows the state: `path` is a file in the runtime directory, `red` and `green` are names below /sys/class/leds or, with `gpio`,
 * numbers of GPIO lines, as `button` is that of a push button.
 */
export type LedConfig =
  | { readonly driver: 'none' }
  | { readonly driver: 'file'; readonly path: string }
  | { readonly driver: 'leds'; readonly red: string; readonly green: string }
  | { readonly driver: 'gpio'; readonly red: number; readonly green: number; readonly button?: number };

/**
 * The page's second address besides the management address, on lan only (RFC 3927: a link-local address stays on its link).
 * A laptop that sends everything into a tunnel still reaches its own link, which the management address may not be on.
 */
export const FIXED_ADDRESS = '169.254.77.1';

/** RFC 4253 section 4.1. */
export const SSH_PORT = 22;

/** A valid policy. Its text is YAML (src/policy/schema); the rules are in README.md. */
export interface Policy {
  readonly version: 1;
  readonly profile: Profile;
  readonly tunnels: readonly Tunnel[];
  readonly resolvers: readonly Resolver[];
  readonly proxies: readonly Endpoint[];
  readonly mustTunnel: readonly NamePattern[];
  readonly direct: Direct;
  readonly allow: readonly AllowRule[];
  readonly localChatter: 'red' | 'amber' | 'ignore';
  readonly privacy: 'full' | 'redacted' | 'minimal';
  /** Where the key of the hashes is kept that replace names under `redacted`: next to the history, or in memory only. */
  readonly privacyKey: 'disk' | 'memory';
  /** How long the history keeps its records, 1 to 3650 days. */
  readonly retentionDays: number;
  /** Names of the bridge and of its two ports, at most 15 characters each. */
  readonly bridge: { readonly name: string; readonly lan: string; readonly wan: string };
  /** How the box is reached; `static` is its IPv4 address with the network's prefix length, `192.0.2.9/24`. */
  readonly management: {
    readonly address: 'dhcp' | 'none' | { readonly static: string };
    readonly hostname: string;
    /** Opens TCP port 22 of the box toward lan; whether an SSH server listens there is up to the machine. */
    readonly ssh: boolean;
  };
  /** TCP port of the page. */
  readonly web: { readonly port: number };
  readonly lamp: LedConfig;
  /** What happens to leaks at boot and while the taps are not up: blocked whatever the mode, or as the mode says. */
  readonly relock: 'closed' | 'open';
}
