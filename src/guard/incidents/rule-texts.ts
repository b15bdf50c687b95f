// Knows: what each rule means to a person and what to do about it, system by system. Must not know: frames, how it is shown.
// One source for README, page and reports (test/guard/incidents/rule-texts.test.ts compares).

import type { Rule } from '../../policy/verdict.ts';

export const SYSTEMS = ['Windows', 'macOS', 'Linux', 'Android', 'iOS'] as const;
export type System = (typeof SYSTEMS)[number];

export interface RuleText {
  readonly title: string;
  /** What was seen and what Eve has of it. */
  readonly meaning: string;
  /** What helps on every system. */
  readonly remedy: string;
  readonly systems: Readonly<Record<System, string>>;
}

export const RULE_TEXTS: Readonly<Record<Rule, RuleText>> = {
  A: {
    title: 'Name asked in the clear',
    meaning:
      'A name was asked for in readable DNS outside the tunnel. Eve knows which site you are about to visit, and can answer in its place. Link-local discovery on the local link (mDNS, LLMNR, NetBIOS, SSDP) is amber: it tells only the local network.',
    remedy:
      'Let the VPN set the resolver, and turn on its kill switch ("block when disconnected"). A name that your system asks through another interface goes past the tunnel whatever the VPN says.',
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
      'A name from your `mustTunnel` list was asked for, visited or shown outside the tunnel: in a DNS question or answer, in a TLS or QUIC handshake, or in HTTP, be it as the page that a visitor comes from. Eve has the name you meant to hide.',
    remedy:
      'Send the whole application through the tunnel, not single addresses: sites change theirs. If in doubt, use profile full-tunnel.',
    systems: {
      Windows:
        'Remove the application from the VPN\'s split-tunnel exceptions; `Get-VpnConnection` shows "SplitTunneling".',
      macOS:
        "Remove the application from the VPN's exceptions; `netstat -rn` must show the default route at the tunnel (utun).",
      Linux:
        'Put 0.0.0.0/0 and ::/0 into `AllowedIPs`; `ip route get ADDRESS` shows which way an address goes.',
      Android: 'Take the application off the VPN\'s "excluded applications" list.',
      iOS: 'Use a full tunnel: per-domain rules do not hold for applications that resolve names themselves.',
    },
  },
  C: {
    title: 'Encrypted DNS past the resolver',
    meaning:
      'Names were asked for with DNS over TLS, QUIC or HTTPS, or DNSCrypt, outside the tunnel or at a resolver that the policy does not name, or names otherwise: a resolver is a pair of address and name. Eve cannot read the name, but sees who is asked and when; that resolver reads all of it.',
    remedy:
      'Turn off "secure DNS" in browser and system, or name that resolver in the policy (profile proxy-stub). An address alone, shared with other sites, is only suspected and stays amber.',
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
      'A name was answered in the clear, and then your device connected to that very address outside the tunnel. Eve has the name and the visit, with the time. Where many sites share the address she has candidates; the list shows them.',
    remedy:
      'Mend the question first (rule A or B, to which this incident is joined), then the route: both went past the tunnel.',
    systems: {
      Windows:
        '`Find-NetRoute -RemoteIPAddress ADDRESS` shows which interface the visit used; it must be the tunnel.',
      macOS: '`route get ADDRESS` shows the interface; it must be the tunnel (utun).',
      Linux: '`ip route get ADDRESS` shows the interface; it must be the tunnel.',
      Android:
        'Turn on "Block connections without VPN": it closes the way past the tunnel for every application.',
      iOS: "Some of the system's own services go past any VPN; a VPN with includeAllNetworks stops most of them.",
    },
  },
  E: {
    title: 'Traffic outside the tunnel',
    meaning:
      "Something left for another place than the tunnel's exit. Eve sees at least where it went and when; a destination often names the service. In the profile proxy-stub a name that is told to a proxy which the policy does not name is one, too. Group membership and frames that are no IP are amber.",
    remedy:
      'Turn on block mode here and the kill switch in the VPN. Look for what is bound to the interface, was open before the tunnel, or speaks IPv6 when the tunnel carries only IPv4.',
    systems: {
      Windows: '`netstat -b` names the program; if the tunnel has no IPv6, turn it off on the adapter.',
      macOS:
        '`lsof -i` names the program; with "Always-on" or includeAllNetworks nothing but the system\'s own services goes past.',
      Linux:
        "`ss -tupn` names the program; an nftables output rule that drops all but the tunnel's endpoint is a kill switch that holds.",
      Android: '"Always-on VPN" with "Block connections without VPN"; connectivity checks still go past it.',
      iOS: 'Restart the device with the VPN on: connections from before the tunnel stay outside it.',
    },
  },
  F: {
    title: 'A tunnel that is none',
    meaning:
      "PPTP, GRE, L2TP without IPsec, IP in IP, Teredo or VXLAN hide nothing; or something readable went to the tunnel server's own address and port, where it would pass for the tunnel. Eve reads what is inside.",
    remedy:
      "Use WireGuard, OpenVPN or IPsec. For something foreign at the endpoint: another program uses the server's address; find and move it.",
    systems: {
      Windows:
        '`netsh interface teredo set state disabled`; set the VPN type to IKEv2, not "Automatic" (which may fall back to PPTP).',
      macOS: 'Use IKEv2 or a WireGuard or OpenVPN application; L2TP only together with IPsec.',
      Linux:
        '`ip tunnel` and `ip -d link` list tunnels of the system; remove those that carry traffic in the clear.',
      Android: 'Choose IKEv2/IPsec: PPTP and L2TP profiles of old devices should go.',
      iOS: 'Choose IKEv2 or a VPN application; L2TP only together with IPsec.',
    },
  },
  T: {
    title: 'Hostile network',
    meaning:
      "The network said something that pulls traffic out of tunnels: routes by DHCP (options 121 and 249, TunnelVision), an address range that is public or overlaps the tunnel's (TunnelCrack), a new address for the tunnel's server, another router, a redirect, a lease of seconds. Some networks do some of this without malice: it is amber until something escapes that way.",
    remedy:
      "Turn on block mode: such a network attack then leads nowhere. Leave the network if you can; use your phone's data instead.",
    systems: {
      Windows:
        '`route print` shows routes that the network gave; a VPN with a firewall kill switch ignores them.',
      macOS: '`netstat -rn` shows them; a VPN with includeAllNetworks is not moved by them.',
      Linux:
        '`UseRoutes=no` (systemd-networkd) or `never-default=yes` with `ignore-auto-routes=yes` (NetworkManager); a network namespace for the tunnel is proof against all of them.',
      Android: 'Android does not take option 121; "Block connections without VPN" covers the rest.',
      iOS: 'Turn off "Wi-Fi Assist" and join no unknown networks; a VPN with includeAllNetworks is not moved by routes.',
    },
  },
};
