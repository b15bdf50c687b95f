// The two cables of the machine under test: laptop and uplink of a lab, joined to its taps by the kernel itself. Every frame of every type
// crosses, in both directions.
//
//   laptop eth0 --veth-- lan0 ==fwd== vmlan [ machine ] vmwan ==fwd== wan0 --veth-- eth0 uplink

import { fileURLToPath } from 'node:url';

import { Lab } from '../../appliance/lab/lab.ts';
import { LAN, NET, planOf } from '../../appliance/lab/plan.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import { LeakFlood } from '../netns/leak-flood.ts';
import { uniqueLabId } from '../netns/harness.ts';
import { PORTS } from './virtual-machine.ts';

const TUNNEL_SENDER = fileURLToPath(new URL('./tunnel-sender.mjs', import.meta.url));
const TUNNEL_SERVER = fileURLToPath(new URL('./tunnel-server.mjs', import.meta.url));
/** Leak frames a second: more than an emulated machine needs to be caught in the act, fewer than it can look at. */
export const LEAKS_PER_SECOND = 20;

export class Wire {
  readonly lab: Lab;
  readonly flood: LeakFlood;
  #tunnel: Running | undefined;

  private constructor(lab: Lab) {
    this.lab = lab;
    this.flood = new LeakFlood(lab);
  }

  /** Both cables, and a laptop that leaks and asks for its tunnel all the time, which answers. */
  static async lay(): Promise<Wire> {
    const lab = await Lab.raise(planOf(uniqueLabId()), { filling: 'nothing' });
    const wire = new Wire(lab);
    try {
      await wire.#join();
      await wire.flood.start(LEAKS_PER_SECOND);
      const { laptop, uplink } = lab.network;
      // The lab's own server answers nobody without a key.
      await uplink.ip(
        `link del ${lab.plan.wireguard.uplink}`,
        `neigh replace ${LAN.laptop4} lladdr ${LAN.laptopMac} dev eth0`,
      );
      const server = await uplink.start([process.execPath, TUNNEL_SERVER, NET.tunnelServer4]);
      await server.line(/ready/);
      await laptop.ip(
        `addr add ${LAN.laptop4}/24 dev eth0`,
        `neigh replace ${LAN.router4} lladdr ${LAN.routerMac} dev eth0`,
        `neigh replace ${LAN.box} lladdr ${PORTS.lan.mac} dev eth0`,
        `route add default via ${LAN.router4}`,
      );
      wire.#tunnel = await laptop.start([process.execPath, TUNNEL_SENDER]);
      await wire.#tunnel.line(/ready/);
      return wire;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  /** Prints a line with the Unix time for each frame of the tunnel that arrives from now on. */
  async watchTunnel(): Promise<Running> {
    const filter = `udp dst port 51820 and ether src ${LAN.laptopMac}`;
    const watcher = await this.lab.network.uplink.start(
      ['tcpdump', '--immediate-mode', '-l', '-n', '-tt', '-i', 'eth0', filter],
      { remember: 10 },
    );
    await watcher.line(/listening on/);
    return watcher;
  }

  async take(): Promise<void> {
    await this.flood.stop();
    await this.#tunnel?.stop();
    await this.lab.close();
  }

  async #join(): Promise<void> {
    const { box } = this.lab.network;
    // The machine that carries the cables says nothing on them itself.
    await box.sysctl('net/ipv6/conf/all/disable_ipv6', '1');
    const chains: string[] = [];
    for (const [port, { tap }] of Object.entries(PORTS)) {
      const cable = `${port}0`;
      await box.ip(`tuntap add ${tap} mode tap`, `link set ${tap} up`, `link set ${cable} up`);
      for (const [from, to] of [
        [cable, tap],
        [tap, cable],
      ] as const)
        chains.push(
          `chain ${from} { type filter hook ingress device "${from}" priority 0; fwd to "${to}"; }`,
        );
    }
    await box.must(['nft', '-f', '-'], { input: `table netdev cables {\n${chains.join('\n')}\n}\n` });
  }
}
