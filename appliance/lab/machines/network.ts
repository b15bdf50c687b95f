// Creates the three namespaces and the links between them. The links are created inside the namespaces: the machine's own namespace
// never contains them.

import { Namespace } from './namespace.ts';
import { LAN, NET, type Plan, type Role, TUNNEL } from '../plan.ts';

/** The three namespaces of a lab. */
export type Network = Readonly<Record<Role, Namespace>>;

/** The namespaces of a plan, whether they exist or not; creates nothing. */
export function networkOf(plan: Plan): Network {
  return {
    laptop: new Namespace(plan.namespaces.laptop, plan.id),
    box: new Namespace(plan.namespaces.box, plan.id),
    uplink: new Namespace(plan.namespaces.uplink, plan.id),
  };
}

/**
 * Creates laptop eth0 - lan0 box wan0 - eth0 uplink, and configures the uplink's link and addresses; the laptop's end stays down. The box
 * does not bridge yet. Rejects with LabError.
 */
export async function buildNetwork(network: Network): Promise<void> {
  const { laptop, box, uplink } = network;
  await Promise.all([laptop.create(), box.create(), uplink.create()]);
  await Promise.all([
    laptop.ip(`link add eth0 address ${LAN.laptopMac} type veth peer name lan0 netns ${box.name}`),
    uplink.ip(`link add eth0 address ${LAN.routerMac} type veth peer name wan0 netns ${box.name}`),
  ]);
  // The neighbour advertisements of a host that does not forward say so, and hosts then drop it as a router (RFC 4861, 7.2.5).
  await uplink.sysctl('net/ipv6/conf/all/forwarding', '1');
  // Router advertisements from an address that is still tentative would be invalid (RFC 4861, 6.1.2).
  await uplink.sysctl('net/ipv6/conf/eth0/accept_dad', '0');
  await uplink.ip(
    'link set eth0 up',
    `addr add ${LAN.router4}/24 dev eth0`,
    ...[NET.tunnelServer4, NET.resolver4, NET.web4, NET.nameless4, TUNNEL.otherResolver4].map(
      (address) => `addr add ${address}/32 dev lo`,
    ),
  );
  await uplink.ip6(
    `addr add ${LAN.router6}/64 dev eth0 nodad`,
    ...[NET.tunnelServer6, NET.resolver6, NET.web6].map((address) => `addr add ${address}/128 dev lo nodad`),
  );
  // A real network card segments large packets; a veth passes them on as they are, larger than any frame on a wire.
  const offloads = ['tcp-segmentation-offload', 'off', 'tx-udp-segmentation', 'off'];
  await Promise.all([laptop, uplink].map((host) => host.must(['ethtool', '-K', 'eth0', ...offloads])));
}

/** Plugs in the laptop's cable: sets its eth0 up. Rejects with LabError. */
export async function plugLaptop({ laptop }: Network): Promise<void> {
  await laptop.ip('link set eth0 up');
}

/** Makes the box a plain bridge br0 without a guard, for comparison; resolves when its links are up. Rejects with LabError. */
export async function bridgePlainly(box: Namespace): Promise<void> {
  await box.ip(
    'link add br0 type bridge',
    'link set lan0 master br0',
    'link set wan0 master br0',
    'link set lan0 up',
    'link set wan0 up',
    'link set br0 up',
    `addr add ${LAN.box}/24 dev br0`,
  );
}
