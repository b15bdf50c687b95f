// What each rule means to a person and what to do about it on each operating system. README, page and reports all use these texts
// (test/guard/incidents/rule-texts.test.ts compares).

import type { Rule } from '../../policy/verdict.ts';

export const SYSTEMS = ['Windows', 'macOS', 'Linux', 'Android', 'iOS'] as const;
export type System = (typeof SYSTEMS)[number];

/** Texts about one rule; backticks mark code. */
export interface RuleText {
  readonly title: string;
  /** What was seen and what Eve learns from it. */
  readonly meaning: string;
  /** What helps on every system. */
  readonly remedy: string;
  /** What helps on each system besides. */
  readonly systems: Readonly<Record<System, string>>;
}

/** The texts of every rule, in the order of README.md. */
export const RULE_TEXTS: Readonly<Record<Rule, RuleText>> = {
  A: {
    title: 'Name asked in the clear',
    meaning:
      'A name was looked up in unencrypted DNS outside the tunnel. Eve knows which site you are about to visit, and can forge the answer. Link-local discovery (mDNS, LLMNR, NetBIOS, SSDP) is amber: only the local network sees it.',
    remedy:
      'Let the VPN set the resolver, and turn on its kill switch ("block when disconnected"). A name that your system looks up through another interface bypasses the tunnel whatever the VPN says.',
    systems: {
      Windows:
        'Turn off smart multi-homed name resolution (Group Policy: Computer Configuration, Administrative Templates, Network, DNS Client) and LLMNR in the same place; WireGuard: keep "Block untunneled traffic" on.',
      macOS:
        'Remove resolvers set by hand (System Settings, Network, Details, DNS); `scutil --dns` shows which interface each resolver uses.',
      Linux:
        '`resolvectl status` must show the tunnel with "DNS Domain: ~." and no other link with a resolver in use; with wg-quick set `DNS =`.',
      Android:
        'Settings, Network, VPN: "Always-on VPN" and "Block connections without VPN"; set Private DNS to "Off" or "Automatic".',
      iOS: 'Use a VPN that sets includeAllNetworks ("On demand" alone is not enough); remove DNS profiles under General, VPN & Device Management.',
    },
  },
  B: {
    title: 'Protected name outside the tunnel',
    meaning:
      'A name from your `mustTunnel` list was asked for, visited or shown outside the tunnel: in a DNS question or answer, in a TLS or QUIC handshake, or in HTTP, including as the page that a visitor comes from (Referer). Eve has the name you meant to hide.',
    remedy:
      'Send the whole application through the tunnel, not single addresses: sites change their addresses. If in doubt, use the profile full-tunnel.',
    systems: {
      Windows:
        'Remove the application from the VPN\'s split-tunnel exceptions; `Get-VpnConnection` shows "SplitTunneling".',
      macOS:
        "Remove the application from the VPN's exceptions; `netstat -rn` must show the tunnel (utun) as the default route.",
      Linux:
        'Put 0.0.0.0/0 and ::/0 into `AllowedIPs`; `ip route get ADDRESS` shows which way an address goes.',
      Android: 'Take the application off the VPN\'s "excluded applications" list.',
      iOS: 'Use a full tunnel: per-domain rules do not work for applications that resolve names themselves.',
    },
  },
  C: {
    title: 'Encrypted DNS past the resolver',
    meaning:
      'Names were looked up with DNS over TLS, QUIC or HTTPS, or DNSCrypt, outside the tunnel or at a resolver that is not in the policy, or whose name or address differs from the one in the policy: a resolver is a pair of address and name. Eve cannot read the names, but sees which resolver is asked and when; that resolver reads everything.',
    remedy:
      'Turn off "secure DNS" in browser and system, or add that resolver to the policy (profile proxy-stub). If only the address matches, and other sites share it, this is just a suspicion and stays amber.',
    systems: {
      Windows:
        'Settings, Network, Hardware properties, DNS: encryption "Off"; browser: turn off "Use secure DNS".',
      macOS:
        'Remove DNS profiles (System Settings, General, Device Management); browser: turn off "secure DNS".',
      Linux: '`DNSOverTLS=no` in /etc/systemd/resolved.conf; browser: turn off "DNS over HTTPS".',
      Android: 'Settings, Network, Private DNS: "Off" while the VPN is on.',
      iOS: 'Settings, General, VPN & Device Management, DNS: "Automatic"; turn off iCloud Private Relay.',
    },
  },
  D: {
    title: 'Name and visit, both visible',
    meaning:
      'A name was answered in the clear, and then your device connected to that address outside the tunnel. Eve has the name and the visit, with the time. If several of the names share the address, she has a list of candidates, which is shown.',
    remedy:
      'Fix the DNS lookup first (rule A or B; this incident links to it), then the route: both bypassed the tunnel.',
    systems: {
      Windows:
        '`Find-NetRoute -RemoteIPAddress ADDRESS` shows which interface the visit used; it must be the tunnel.',
      macOS: '`route get ADDRESS` shows the interface; it must be the tunnel (utun).',
      Linux: '`ip route get ADDRESS` shows the interface; it must be the tunnel.',
      Android: 'Turn on "Block connections without VPN": then no application can bypass the tunnel.',
      iOS: "Some of the system's own services bypass any VPN; a VPN with includeAllNetworks stops most of them.",
    },
  },
  E: {
    title: 'Traffic outside the tunnel',
    meaning:
      'Something was sent outside the tunnel. Eve sees at least where it went and when; the destination often identifies the service. In the profile proxy-stub this includes a name that was sent to a proxy which is not in the policy. Group membership and non-IP frames are amber.',
    remedy:
      'Turn on block mode here and the kill switch in the VPN. Look for programs that are bound to the interface, have connections from before the tunnel, or use IPv6 when the tunnel carries only IPv4.',
    systems: {
      Windows: '`netstat -b` names the program; if the tunnel has no IPv6, turn IPv6 off on the adapter.',
      macOS:
        '`lsof -i` names the program; with "Always-on" or includeAllNetworks only the system\'s own services bypass the tunnel.',
      Linux:
        "`ss -tupn` names the program; an nftables output rule that drops everything except the tunnel's endpoint is a reliable kill switch.",
      Android: '"Always-on VPN" with "Block connections without VPN"; connectivity checks still bypass it.',
      iOS: 'Restart the device with the VPN on: connections from before the tunnel stay outside it.',
    },
  },
  F: {
    title: 'Tunnel without protection',
    meaning:
      "PPTP, GRE, L2TP without IPsec, IP in IP, Teredo or VXLAN was used, which hide nothing; or something readable went to the tunnel server's own address and port, where it could be mistaken for the tunnel. Eve reads what is inside.",
    remedy:
      "Use WireGuard, OpenVPN or IPsec. If something else went to the endpoint, another program is using the server's address: find it and point it elsewhere.",
    systems: {
      Windows:
        '`netsh interface teredo set state disabled`; set the VPN type to IKEv2, not "Automatic" (which may fall back to PPTP).',
      macOS: 'Use IKEv2 or a WireGuard or OpenVPN application; L2TP only together with IPsec.',
      Linux:
        '`ip tunnel` and `ip -d link` list all tunnels of the system; remove those that carry traffic in the clear.',
      Android: 'Choose IKEv2/IPsec, and delete old PPTP and L2TP profiles.',
      iOS: 'Choose IKEv2 or a VPN application; L2TP only together with IPsec.',
    },
  },
  T: {
    title: 'Hostile network',
    meaning:
      "The network sent something that can draw traffic out of tunnels: routes by DHCP (options 121 and 249, TunnelVision), an address range that is public or includes the tunnel's server (TunnelCrack), a new address for the tunnel's server, another router, a redirect, or a lease of a few seconds. Some networks do some of this without malice: it is amber until something escapes that way.",
    remedy:
      "Turn on block mode: then such a network attack achieves nothing. Leave the network if you can, and use your phone's data instead.",
    systems: {
      Windows:
        '`route print` shows the routes that the network set; a VPN with a firewall kill switch ignores them.',
      macOS: '`netstat -rn` shows these routes; a VPN with includeAllNetworks ignores them.',
      Linux:
        '`UseRoutes=no` (systemd-networkd) or `never-default=yes` with `ignore-auto-routes=yes` (NetworkManager); a tunnel in its own network namespace is immune to all of them.',
      Android: 'Android does not take option 121; "Block connections without VPN" covers the rest.',
      iOS: 'Turn off "Wi-Fi Assist" and join no unknown networks; a VPN with includeAllNetworks ignores such routes.',
    },
  },
};
