// A resolver of a test's own beside the lab's, at an address of its own, whose names lead where the test says. The lab's own dnsmasq holds
// port 53 of every address, so what is for this one is handed to another port.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import type { Lab } from '../../appliance/lab/lab.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';

export const RESOLVER = '203.0.113.54';
const PORT = 5354;

export type Names = readonly (readonly [name: string, address: string])[];

export class SecondResolver {
  readonly #lab: Lab;
  #running: Running | undefined;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Answers when this resolves; `more` are lines of dnsmasq(8)'s configuration. */
  async start(names: Names, more: readonly string[] = []): Promise<void> {
    const { plan, network } = this.#lab;
    await this.#write(names);
    const config = join(plan.dir, 'second-resolver.conf');
    const words = [
      ...['user=root', 'keep-in-foreground', 'log-facility=-', 'pid-file=', 'no-resolv', 'no-hosts'],
      ...[`port=${String(PORT)}`, 'bind-interfaces', `listen-address=${RESOLVER}`],
      ...[`addn-hosts=${this.#hosts}`, 'local=/example/', ...more],
    ];
    await writeFile(config, `${words.join('\n')}\n`);
    await network.uplink.ip(`addr add ${RESOLVER}/32 dev lo`);
    this.#running = await network.uplink.start(['dnsmasq', `--conf-file=${config}`], {
      log: join(plan.dir, 'second-resolver.log'),
    });
    await this.#running.line(/started, version/);
    const rule = `ip daddr ${RESOLVER} meta l4proto { tcp, udp } th dport 53 dnat to ${RESOLVER}:${String(PORT)}`;
    const table = `table ip second_resolver {\nchain to { type nat hook prerouting priority -100;\n${rule}\n}\n}\n`;
    await network.uplink.must(['nft', '-f', '-'], { input: table });
  }

  /** The names lead elsewhere when this resolves; clients are not told. */
  async change(names: Names): Promise<void> {
    await this.#write(names);
    this.#running?.signal('SIGHUP');
    const at = [`@${RESOLVER}`, '-p', String(PORT)];
    for (const [name, address] of names) {
      const answer = async (): Promise<void> => {
        const { stdout } = await this.#lab.network.uplink.must(['dig', '+short', ...at, name, 'A']);
        expect(stdout.trim().split('\n')).toContain(address);
      };
      await vi.waitFor(answer, { timeout: 10_000, interval: 100 });
    }
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
  }

  get #hosts(): string {
    return join(this.#lab.plan.dir, 'second-resolver.hosts');
  }

  async #write(names: Names): Promise<void> {
    await writeFile(this.#hosts, names.map(([name, address]) => `${address} ${name}\n`).join(''));
  }
}
