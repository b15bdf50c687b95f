// Knows: the closed type of what is allowed. Must not know: YAML, files, frames, clocks.
// A value of type Policy has been validated: nothing that takes one needs to check it again.

import type { TunnelProtocol } from '../flow/kinds.ts';
import type { ZerotierForm } from './shapes/protocols.ts';
import type { WireguardForm } from './shapes/wireguard-forms.ts';

export const PROFILES = ['full-tunnel', 'proxy-stub', 'split'] as const;
type Profile = (typeof PROFILES)[number];

/**
 * Where direct traffic may go: anywhere (in split: that has served no protected name), in split alone to addresses that were just
 * answered, in proxy-stub alone nowhere.
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
  /** The first of a tunnel's range of ports, where it has one. */
  readonly port: number;
  readonly lastPort?: number;
  /** Of a network of servers (a tunnel's): the length of its prefix. */
  readonly length?: number;
}

/** What of a tunnel's configuration its packets show. */
export type TunnelForm = WireguardForm | ZerotierForm;

export interface Tunnel {
  readonly name: string;
  readonly protocol: TunnelProtocol;
  readonly endpoints: readonly Endpoint[];
  /** Where its configuration changes WireGuard's packets, or says whose packets ZeroTier's are. */
  readonly form?: TunnelForm;
  /** Somebody said yes to peers anywhere. */
  readonly anywhere?: boolean;
  /** The day on which the service's list of servers was made, `2026-11-29`. */
  readonly listed?: string;
}

/** A designated encrypted resolver (proxy-stub): `dot:9.9.9.9:853`, `doq:…`, `doh:203.0.113.5:443/dns.example`. */
export interface Resolver {
  readonly protocol: 'dot' | 'doq' | 'doh';
  readonly endpoint: Endpoint;
  readonly serverName?: string;
}

/** A name, or with `subdomains` every name below it too. `bank.example` matches itself and below; `*.x` only below. */
export interface NamePattern {
  /** In ASCII. */
  readonly suffix: string;
  /** The same in the letters that it stands for, where they are others. */
  readonly letters?: string;
  readonly itself: boolean;
}

export interface Prefix {
  readonly ipVersion: 4 | 6;
  /** Canonical text of the network address. */
  readonly address: string;
  readonly length: number;
}

export interface AllowRule {
  readonly to: Prefix;
  readonly transport?: Transport | 'icmp';
  readonly port?: number;
  /** Lower-case MAC with colons: only this client. */
  readonly client?: string;
  readonly why: string;
}

export type LedConfig =
  | { readonly driver: 'none' }
  | { readonly driver: 'file'; readonly path: string }
  | { readonly driver: 'leds'; readonly red: string; readonly green: string }
  | { readonly driver: 'gpio'; readonly red: number; readonly green: number; readonly button?: number };

/**
 * Where the page answers besides the management address, toward lan only (RFC 3927: such an address stays on its link).
 * A laptop whose whole traffic goes into a tunnel still reaches what is on its link; the box's own address may not be.
 */
export const FIXED_ADDRESS = '169.254.77.1';

/** RFC 4253 section 4.1. */
export const SSH_PORT = 22;

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
  /** Where the key of the hashes is kept that stand for names under `redacted`: beside the history, or in memory alone. */
  readonly privacyKey: 'disk' | 'memory';
  readonly retentionDays: number;
  readonly bridge: { readonly name: string; readonly lan: string; readonly wan: string };
  readonly management: {
    readonly address: 'dhcp' | 'none' | { readonly static: string };
    readonly hostname: string;
    /** TCP 22 of the box is open toward lan; whether a server listens there is the machine's affair. */
    readonly ssh: boolean;
  };
  readonly web: { readonly port: number };
  readonly lamp: LedConfig;
  readonly relock: 'closed' | 'open';
}
