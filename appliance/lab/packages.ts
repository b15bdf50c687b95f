// The Debian package of each program of the lab. appliance/provision/packages.json lists the same packages under "lab" and "run"; a
// test compares the two.

/** Program → package, in Debian 12 and 13. */
export const LAB_PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  dnsmasq: 'dnsmasq-base',
  'wireguard-go': 'wireguard-go',
  wg: 'wireguard-tools',
  udhcpc: 'udhcpc',
  dig: 'bind9-dnsutils',
  ping: 'iputils-ping',
  curl: 'curl',
  openssl: 'openssl',
  tcpdump: 'tcpdump',
};
