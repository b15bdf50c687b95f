// Knows: the words of the pages about tunnels. Must not know: layout.
// English; with the other texts*.ts the one place for translation. `{…}` is filled in.

import type { TunnelProtocol } from '../../../src/api/words.ts';

export const TUNNEL_TEXTS = {
  title: 'Tunnels',
  intro:
    'What goes to these servers counts as your tunnel. Everything else is a leak, or what the profile lets go.',
  trusted: 'Trusted',
  none: 'No tunnel is trusted yet. Until one is, everything counts as a leak. Import your configuration, let the box learn, or write it down.',
  unknown: 'The guard does not answer: the tunnels cannot be told now.',
  remove: 'Remove',
  removeTitle: 'Remove “{name}”?',
  removeNote: 'What goes to its servers is a leak from then on, and is stopped in block mode.',
  removeInUse:
    'This tunnel is in use now. Removed, your own tunnel counts as a leak at once; with block mode on, you are cut off from it.',
  removeLast: 'It is the last one: without a tunnel everything counts as a leak.',
  removeYes: 'Yes, remove it',
  cancel: 'No, go back',
  importTitle: 'From a configuration',
  importNote:
    'The file your VPN service gave you: WireGuard, OpenVPN, IKEv2, for whatever system (.conf, .ovpn, .netdev, .nmconnection, .mobileconfig, swanctl.conf), or of a program that carries it (Shadowsocks, sing-box, usque, bridges of Tor, wstunnel, udp2raw), or the list of servers that it publishes (Mullvad, gluetun, a Tor consensus, Tailscale’s relays; large ones at the box: leakguard tunnels import). Only the servers’ addresses are read; keys are neither kept nor shown nor sent on.',
  importFile: 'File',
  importText: 'Or its text',
  importLook: 'Read it',
  nothingGiven: 'Choose a file, or put its text into the field.',
  reviewTitle: 'Trust this tunnel?',
  reviewNote: 'None of it is trusted before you say yes. Look whether these are the servers of your VPN.',
  changed:
    'This configuration changes WireGuard’s packets: they are known by these settings, and by them alone.',
  listed:
    'A list of servers of {day}. It replaces the servers that are trusted under this name: {added} more, {removed} less.',
  all: 'All servers of the list',
  listDay: 'Servers from a list of {day}',
  listIsOld: 'Servers from a list of {day}, which is old: import a new one',
  unused: 'Lines that were left out',
  line: 'line',
  name: 'Name',
  protocol: 'Protocol',
  endpoints: 'Servers',
  endpointsNote:
    'One a line: transport, address or name, and port, such as udp:198.51.100.7:51820 or tcp:vpn.example.com:443; ports may be a range (4000-33433) or any (*), an address a network (198.51.100.0/24).',
  anywhere: 'Yes, its peers may be anywhere',
  anywhereNote:
    'Only for servers written udp:0.0.0.0/0:* or udp:[::/0]:*. Then the form of its packets is all that is held, and not whom they go to.',
  zerotier: 'ZeroTier node',
  zerotierNote: 'Of ZeroTier alone: the ten digits of this device that zerotier-cli info shows.',
  trust: 'Yes, trust it',
  learnTitle: 'From the wire',
  learnNote:
    'Start your VPN: handshakes that the box sees are listed here. Whoever is on the network can make one up, so nothing is trusted before you say yes.',
  learnNone: 'No handshake of a tunnel that is not trusted yet was seen.',
  learnAgain: 'Look again',
  review: 'Review',
  confidence: 'How sure',
  why: 'Why',
  seen: 'Last seen',
  frames: 'Frames',
  gone: 'That was not seen on the wire, or is trusted already.',
  sure: { high: 'very', fair: 'fairly', low: 'a guess' },
  addTitle: 'By hand',
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
  tailscale: 'Tailscale (a mesh: peers anywhere)',
  nebula: 'Nebula (a mesh: peers anywhere)',
  zerotier: 'ZeroTier (a mesh: peers anywhere)',
};
export const PROTOCOL_TEXTS = Object.entries(PROTOCOLS);
