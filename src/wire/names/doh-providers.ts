// Public resolvers that answer over HTTPS, TLS or QUIC: their names and addresses, from the providers' own announcements, and
// RFC 9462 (resolver.arpa). A name is evidence; an address alone is "suspected", as some of these addresses also serve pages.
// The list is not complete: an unlisted name may be a resolver, too.

import { parseAddress, sameAddress } from '../ip/address.ts';

interface Provider {
  readonly name: string;
  /** Host names, separated by spaces; one that begins with a dot means every name below it. */
  readonly hosts: string;
  /** IP addresses, separated by spaces. */
  readonly addresses: string;
}

const PROVIDERS: readonly Provider[] = [
  {
    name: 'Cloudflare',
    hosts:
      'cloudflare-dns.com .cloudflare-dns.com one.one.one.one 1dot1dot1dot1.cloudflare-dns.com .cloudflare-gateway.com',
    addresses:
      '1.1.1.1 1.0.0.1 1.1.1.2 1.0.0.2 1.1.1.3 1.0.0.3 2606:4700:4700::1111 2606:4700:4700::1001 2606:4700:4700::1112 ' +
      '2606:4700:4700::1002 2606:4700:4700::1113 2606:4700:4700::1003 2606:4700:4700::64 2606:4700:4700::6400',
  },
  {
    name: 'Google',
    hosts: 'dns.google .dns.google dns.google.com dns64.dns.google 8888.google',
    addresses:
      '8.8.8.8 8.8.4.4 2001:4860:4860::8888 2001:4860:4860::8844 2001:4860:4860::6464 2001:4860:4860::64',
  },
  {
    name: 'Quad9',
    hosts: 'dns.quad9.net dns9.quad9.net dns10.quad9.net dns11.quad9.net dns12.quad9.net dns-nosec.quad9.net',
    addresses:
      '9.9.9.9 149.112.112.112 9.9.9.10 149.112.112.10 9.9.9.11 149.112.112.11 9.9.9.12 149.112.112.12 2620:fe::fe ' +
      '2620:fe::9 2620:fe::10 2620:fe::fe:10 2620:fe::11 2620:fe::fe:11 2620:fe::12 2620:fe::fe:12',
  },
  {
    name: 'OpenDNS',
    hosts:
      'doh.opendns.com dns.opendns.com doh.familyshield.opendns.com doh.sandbox.opendns.com doh.umbrella.com dns.umbrella.com',
    addresses:
      '208.67.222.222 208.67.220.220 208.67.222.123 208.67.220.123 146.112.41.2 146.112.41.3 2620:119:35::35 2620:119:53::53',
  },
  {
    name: 'AdGuard',
    hosts:
      'dns.adguard.com .dns.adguard.com dns-family.adguard.com dns-unfiltered.adguard.com .adguard-dns.com',
    addresses:
      '94.140.14.14 94.140.15.15 94.140.14.15 94.140.15.16 94.140.14.140 94.140.14.141 2a10:50c0::ad1:ff 2a10:50c0::ad2:ff ' +
      '2a10:50c0::bad1:ff 2a10:50c0::bad2:ff 2a10:50c0::1:ff 2a10:50c0::2:ff',
  },
  {
    name: 'NextDNS',
    hosts:
      'dns.nextdns.io .dns.nextdns.io dns1.nextdns.io dns2.nextdns.io doh3.dns.nextdns.io chromium.dns.nextdns.io firefox.dns.nextdns.io',
    addresses: '45.90.28.0 45.90.30.0 2a07:a8c0:: 2a07:a8c1::',
  },
  {
    name: 'Mullvad',
    hosts: 'dns.mullvad.net .dns.mullvad.net doh.mullvad.net adblock.doh.mullvad.net dot.mullvad.net',
    addresses:
      '194.242.2.2 194.242.2.3 194.242.2.4 194.242.2.5 194.242.2.6 194.242.2.9 2a07:e340::2 2a07:e340::3 2a07:e340::4 ' +
      '2a07:e340::5 2a07:e340::6 2a07:e340::9',
  },
  {
    name: 'Control D',
    hosts: 'freedns.controld.com dns.controld.com .dns.controld.com',
    addresses:
      '76.76.2.0 76.76.10.0 76.76.2.1 76.76.10.1 76.76.2.2 76.76.10.2 76.76.2.11 76.76.10.11 76.76.2.22',
  },
  {
    name: 'CleanBrowsing',
    hosts: 'doh.cleanbrowsing.org .dns.cleanbrowsing.org',
    addresses: '185.228.168.9 185.228.169.9 185.228.168.10 185.228.169.11 185.228.168.168 185.228.169.168',
  },
  { name: 'DNS0.EU', hosts: 'dns0.eu .dns0.eu', addresses: '193.110.81.0 185.253.5.0' },
  {
    name: 'DNS4EU',
    hosts: '.joindns4.eu',
    addresses:
      '86.54.11.1 86.54.11.201 86.54.11.12 86.54.11.212 86.54.11.13 86.54.11.213 86.54.11.100 86.54.11.200',
  },
  {
    name: 'DNS.SB',
    hosts: 'doh.dns.sb dot.sb doh.sb .dns.sb',
    addresses: '185.222.222.222 45.11.45.11 2a09:: 2a11::',
  },
  {
    name: 'AliDNS',
    hosts: 'dns.alidns.com .alidns.com',
    addresses: '223.5.5.5 223.6.6.6 2400:3200::1 2400:3200:baba::1',
  },
  {
    name: 'DNSPod',
    hosts: 'doh.pub dot.pub dns.pub sm2.doh.pub doh.dns.pub',
    addresses: '1.12.12.12 120.53.53.53 119.29.29.29',
  },
  { name: '360', hosts: 'doh.360.cn dot.360.cn', addresses: '101.226.4.6 218.30.118.6' },
  {
    name: 'Yandex',
    hosts: 'common.dot.dns.yandex.net safe.dot.dns.yandex.net family.dot.dns.yandex.net',
    addresses:
      '77.88.8.8 77.88.8.1 77.88.8.88 77.88.8.2 77.88.8.7 77.88.8.3 2a02:6b8::feed:0ff 2a02:6b8:0:1::feed:0ff',
  },
  {
    name: 'CIRA',
    hosts: '.canadianshield.cira.ca',
    addresses: '149.112.121.10 149.112.122.10 149.112.121.20',
  },
  { name: 'Comcast', hosts: 'doh.xfinity.com dot.xfinity.com', addresses: '' },
  { name: 'Wikimedia', hosts: 'wikimedia-dns.org', addresses: '185.71.138.138 2001:67c:930::1' },
  { name: 'Apple relay', hosts: 'doh.dns.apple.com doh.dns.apple.com.v.aaplimg.com', addresses: '' },
  {
    name: 'Small and national resolvers',
    hosts:
      'doh.libredns.gr dot.libredns.gr doh.applied-privacy.net dot1.applied-privacy.net dns.digitale-gesellschaft.ch dnsforge.de ' +
      '.dnsforge.de odvr.nic.cz dns.njal.la doh.ffmuc.net dot.ffmuc.net doh.tiar.app dot.tiar.app jp.tiar.app doh.tiarap.org ' +
      'doh.seby.io dns.switch.ch kaitain.restena.lu public.dns.iij.jp dns.twnic.tw dns.twnic.com.tw blitz.ahadns.com ' +
      'doh.crypto.sx odoh.cloudflare-dns.com dns.hostux.net fi.doh.dns.snopyta.org doh.li doh.bortzmeyer.fr dot.bortzmeyer.fr ' +
      'unicast.uncensoreddns.org anycast.uncensoreddns.org ns0.fdn.fr ns1.fdn.fr dns.artikel10.org rethinkdns.com ' +
      '.rethinkdns.com .max.rethinkdns.com doh.centraleu.pi-dns.com dns.pumplex.com doh.armadillodns.net freedom.mydns.network ' +
      'dns.bebasid.com dns.surfsharkdns.com dns.oszx.co private.canadianshield.cira.ca resolver.dnsprivacy.org.uk ' +
      'dns.decloudus.com family.puredns.org puredns.org basic.rethinkdns.com dns.dnshome.de dns.sb dnspub.restena.lu ' +
      'dns.flatuslifir.is doh.in.ahadns.net dns.brahma.world helios.plan9-dns.com kronos.plan9-dns.com pluton.plan9-dns.com',
    addresses: '',
  },
];

const BY_HOST = new Map<string, string>();
const ADDRESSES: { readonly ipVersion: number; readonly words: Uint32Array; readonly provider: string }[] =
  [];
for (const { name, hosts, addresses } of PROVIDERS) {
  for (const host of hosts.split(' ')) BY_HOST.set(host, name);
  for (const text of addresses.split(' ')) {
    const address = parseAddress(text);
    if (address !== undefined) ADDRESSES.push({ ...address, provider: name });
  }
}

/** The entries that mean every name below them; providers give each customer such a name. */
const PARENTS = [...BY_HOST.keys()].filter((host) => host.startsWith('.'));

/**
 * The name of the provider in this file's list whose resolver has this host name (lower case, no trailing dot, as hostText writes it), or
 * undefined. For RFC 9462's resolver.arpa, which every network answers itself, a text says so.
 */
export function resolverOfName(host: string): string | undefined {
  if (host === 'resolver.arpa' || host.endsWith('.resolver.arpa')) return 'designated by the network';
  const known = BY_HOST.get(host);
  if (known !== undefined) return known;
  const parent = PARENTS.find((suffix) => host.endsWith(suffix));
  return parent === undefined ? undefined : BY_HOST.get(parent);
}

/**
 * The name of the provider in this file's list that an address belongs to, or undefined. `words` are four, with IPv4 in the last. It is
 * only a reason for suspicion.
 */
export function resolverOfAddress(ipVersion: number, words: Uint32Array): string | undefined {
  for (const known of ADDRESSES) {
    if (known.ipVersion === ipVersion && sameAddress(known.words, words)) return known.provider;
  }
  return undefined;
}
