// Another machine on the uplink's side of the wire that means no good: its own MAC address, real servers on it.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink, rogue0 (macvlan) beside it

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../../appliance/lab/lab.ts';
import { Namespace } from '../../appliance/lab/machines/namespace.ts';
import { LAN } from '../../appliance/lab/plan.ts';
import { must } from '../../appliance/lab/processes/process.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';

export const ROGUE = { mac: '02:00:00:00:66:01', address: '192.168.77.66', prefix6: 'fd88::' } as const;

export class Rogue {
  readonly #lab: Lab;
  readonly #space: Namespace;

  private constructor(lab: Lab) {
    this.#lab = lab;
    // Its own system: two servers of one kind cannot share a port.
    this.#space = new Namespace(`${lab.plan.namespaces.uplink}-rogue`, lab.plan.id);
  }

  /** It is on the wire, and says nothing. */
  static async join(lab: Lab): Promise<Rogue> {
    const rogue = new Rogue(lab);
    const space = rogue.#space;
    await space.create();
    await lab.network.uplink.ip(
      `link add rogue0 link eth0 netns ${space.name} address ${ROGUE.mac} type macvlan mode bridge`,
    );
    await space.sysctl('net/ipv6/conf/rogue0/accept_dad', '0');
    await space.sysctl('net/ipv6/conf/all/forwarding', '1');
    await space.ip('link set rogue0 up', `addr add ${ROGUE.address}/24 dev rogue0`);
    await space.ip6(`addr add ${ROGUE.prefix6}1/64 dev rogue0 nodad`);
    return rogue;
  }

  async leave(): Promise<void> {
    await must(['ip', 'netns', 'delete', this.#space.name]);
  }

  /** A DHCP server that offers `first` and what these lines of udhcpd.conf say, while `act` runs. */
  async offering(first: string, lines: readonly string[], act: () => Promise<unknown>): Promise<void> {
    const file = (name: string): string => join(this.#lab.plan.dir, name);
    const config = [
      ...[`start ${first}`, `end ${first}`, 'interface rogue0', 'auto_time 0'],
      ...[`lease_file ${file('rogue.leases')}`, `pidfile ${file('rogue.pid')}`, ...lines, ''],
    ];
    await writeFile(file('rogue.leases'), '');
    await writeFile(file('rogue.conf'), config.join('\n'));
    await this.#while(await this.#space.start(['udhcpd', '-f', file('rogue.conf')]), /started, v/, act);
  }

  /** Router advertisements from it, while `act` runs. */
  async advertising(act: () => Promise<unknown>): Promise<void> {
    await this.#dnsmasq(act, '--port=0', '--enable-ra', `--dhcp-range=${ROGUE.prefix6},ra-only,64,1h`);
  }

  /** A resolver at its own address, with another word for one name, while `act` runs. */
  async answering(name: string, address: string, act: () => Promise<unknown>): Promise<void> {
    await this.#dnsmasq(act, '--no-resolv', '--no-hosts', `--address=/${name}/${address}`);
  }

  /** The gateway's address is its own as well, while `act` runs. */
  async beingGateway(act: () => Promise<unknown>): Promise<void> {
    await this.#space.ip(`addr add ${LAN.router4}/32 dev rogue0`);
    try {
      await act();
    } finally {
      await this.#space.ip(`addr del ${LAN.router4}/32 dev rogue0`);
    }
  }

  async #dnsmasq(act: () => Promise<unknown>, ...options: readonly string[]): Promise<void> {
    const program = await this.#space.start([
      'dnsmasq',
      ...['--conf-file=/dev/null', '--user=root', '--keep-in-foreground', '--log-facility=-', '--pid-file='],
      ...options,
    ]);
    await this.#while(program, /started, version/, act);
  }

  async #while(program: Running, ready: RegExp, act: () => Promise<unknown>): Promise<void> {
    try {
      await program.line(ready);
      await act();
    } finally {
      await program.stop();
    }
  }
}
