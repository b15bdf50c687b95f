// A sender of leak frames on the laptop, and the kernel's own count of those that reach the uplink. The counter is an nftables ingress
// chain of the uplink's port: it loses nothing and reads nothing.

import { fileURLToPath } from 'node:url';
import type { Lab } from '../../appliance/lab/lab.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';

const SENDER = fileURLToPath(new URL('./leak-sender.mjs', import.meta.url));
const SOURCE = '02:00:00:00:66:66';

export class LeakFlood {
  readonly #lab: Lab;
  #sender: Running | undefined;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Frames of mixed leaks a second, until `stop`. */
  async start(rate: number): Promise<void> {
    const { laptop, uplink } = this.#lab.network;
    const chain = [
      'table netdev eve {',
      '  counter leaks {}',
      '  chain in {',
      '    type filter hook ingress device "eth0" priority -300;',
      `    ether saddr ${SOURCE} counter name leaks drop`,
      '  }',
      '}',
      '',
    ];
    await uplink.must(['nft', '-f', '-'], { input: chain.join('\n') });
    this.#sender = await laptop.start([process.execPath, SENDER, 'eth0', String(rate)]);
    await this.#sender.line(/ready/);
  }

  /** Leak frames that reached the uplink so far. */
  async arrived(): Promise<number> {
    const { stdout } = await this.#lab.network.uplink.must([
      'nft',
      '-j',
      'list',
      'counter',
      'netdev',
      'eve',
      'leaks',
    ]);
    const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { packets: number } }[] };
    const packets = nftables.find((entry) => entry.counter !== undefined)?.counter?.packets;
    if (packets === undefined) throw new Error(`no counter in ${stdout}`);
    return packets;
  }

  /** Frames that left the laptop's port so far, whoever sent them. */
  async sent(): Promise<number> {
    const { stdout } = await this.#lab.network.laptop.must([
      'cat',
      '/sys/class/net/eth0/statistics/tx_packets',
    ]);
    return Number(stdout);
  }

  async stop(): Promise<void> {
    await this.#sender?.stop('SIGTERM');
  }
}
