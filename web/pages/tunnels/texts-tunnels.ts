// Texts of the tunnel pages, here to be translated. `{…}` is filled in.

import type { TunnelProtocol } from '../../../src/api/words.ts';

export const TUNNEL_TEXTS = {
  title: 'Tunnels',
  intro:
    'Traffic to these servers counts as your tunnel. Everything else is a leak, unless your profile allows it.',
  trusted: 'Trusted',
  none: 'No tunnel is trusted yet. Until one is, everything counts as a leak. Import your configuration, let the box learn it, or enter it by hand.',
  unknown: 'The monitoring service does not answer: the tunnels cannot be read right now.',
  remove: 'Remove',
  removeTitle: 'Remove “{name}”?',
  removeNote: 'From then on, traffic to its servers is a leak, and block mode stops it.',
  removeInUse:
    'This tunnel is in use now. If you remove it, its traffic counts as a leak at once; with block mode on, it is cut off.',
  removeLast: 'It is the last one: without a tunnel, everything counts as a leak.',
  removeServerNote:
    'From then on, traffic to this server is a leak, and block mode stops it. The other servers of “{name}” stay trusted.',
  moreServers: 'And {count} more. All of them: leakguard tunnels list',
  existing: 'There is already a tunnel of this name. It trusts:',
  existingOther: 'There is already a tunnel of this name, of another protocol ({protocol}). It trusts:',
  existingField: 'The tunnel that has this name',
  existingAdd: 'Trust these servers as well',
  existingReplace: 'Trust these servers instead',
  existingNote: 'Or give this one another name.',
  explained: 'It was my VPN: acknowledge all of it ({count})',
  explainedNote: 'Before this tunnel was trusted, its own traffic was reported as a leak.',
  removeYes: 'Yes, remove it',
  cancel: 'No, go back',
  importTitle: 'Import a configuration',
  importNote:
    'The file your VPN service gave you: WireGuard, OpenVPN or IKEv2, for any system (.conf, .ovpn, .netdev, .nmconnection, .mobileconfig, swanctl.conf); or that of a program that carries the tunnel (Shadowsocks, sing-box, usque, Tor bridges, wstunnel, udp2raw); or the server list that the service publishes (Mullvad, gluetun, a Tor consensus, Tailscale’s relays; import large ones at the box: leakguard tunnels import). Only the addresses of the servers are read; keys are not kept, shown or passed on.',
  importFile: 'File',
  importText: 'Or paste its text',
  importLook: 'Read it',
  nothingGiven: 'Choose a file, or paste its text into the field.',
  reviewTitle: 'Trust this tunnel?',
  reviewNote: 'Nothing is trusted until you confirm. Check that these are the servers of your VPN.',
  changed:
    'This configuration changes WireGuard’s packets: they are recognized by these settings, and only by them.',
  listed:
    'A server list of {day}. It replaces the servers trusted under this name: {added} added, {removed} removed.',
  all: 'All servers of the list',
  listDay: 'Servers from a list of {day}',
  listIsOld: 'Servers from a list of {day}, which is old: import a new one',
  unused: 'Lines that were not used',
  line: 'line',
  name: 'Name',
  protocol: 'Protocol',
  endpoints: 'Servers',
  endpointsNote:
    'One per line: transport, address or name, and port, such as udp:198.51.100.7:51820 or tcp:vpn.example.com:443. The port may be a range (4000-33433) or any (*), the address a network (198.51.100.0/24).',
  anywhere: 'Yes, its peers may be anywhere',
  anywhereNote:
    'Only for servers written udp:0.0.0.0/0:* or udp:[::/0]:*. Then only the form of the packets is checked, not whom they go to.',
  zerotier: 'ZeroTier node',
  zerotierNote: 'ZeroTier only: the ten digits of this device that zerotier-cli info shows.',
  trust: 'Yes, trust it',
  learnTitle: 'Learn from the wire',
  learnNote:
    'Start your VPN: the handshakes that the box sees are listed here. Anyone on the network can fake one, so nothing is trusted until you confirm.',
  learnNone: 'No handshake of an untrusted tunnel has been seen.',
  learnAgain: 'Look again',
  review: 'Review',
  confidence: 'Confidence',
  why: 'Why',
  seen: 'Last seen',
  frames: 'Frames',
  gone: 'That was not seen on the wire, or is already trusted.',
  sure: { high: 'high', fair: 'fair', low: 'low, a guess' },
  addTitle: 'Add by hand',
  add: 'Add tunnel',
  inUse: 'in use',
  backToTunnels: 'Tunnels',
} as const;

const PROTOCOLS: Readonly<Record<TunnelProtocol, string>> = {
  wireguard: 'WireGuard',
  openvpn: 'OpenVPN',
  ipsec: 'IPsec (IKEv2)',
  tor: 'Tor',
  opaque: 'other (address and port only)',
  tailscale: 'Tailscale (mesh: peers anywhere)',
  nebula: 'Nebula (mesh: peers anywhere)',
  zerotier: 'ZeroTier (mesh: peers anywhere)',
};
export const PROTOCOL_TEXTS = Object.entries(PROTOCOLS);
