// Knows: the two links by which a forged frame comes in at a port as if it had come by its cable (veth(4), tc-mirred(8)): what is
// sent on `lgcan0` arrives at lan, on `lgcan2` at wan, before taps and rules; and that none leaves by wan, whatever becomes of the
// rules. Must not know: what is forged, and why.

import { CANARY_FILTER } from './bridge.ts';
import type { BridgeNames } from './bridge.ts';
import { RunError, run } from '../os/run-command.ts';
import type { UndoRecord } from '../os/undo-record.ts';

type Port = 'lan' | 'wan';

/** Where a frame for this port is sent, and the far end from which the kernel takes it there. */
const LINKS: Readonly<Record<Port, readonly [string, string]>> = {
  lan: ['lgcan0', 'lgcan1'],
  wan: ['lgcan2', CANARY_FILTER.nowhere],
};

export class CanaryLinks {
  readonly #names: BridgeNames;
  readonly #mac: string;
  readonly #undo: UndoRecord;

  /** `mac` is what forged frames bear as source. */
  constructor(names: BridgeNames, mac: string, undo: UndoRecord) {
    this.#names = names;
    this.#mac = mac;
    this.#undo = undo;
  }

  /** The interface to send on. */
  of(port: Port): string {
    return LINKS[port][0];
  }

  /** Makes all, over whatever is left of earlier ones; rejects with RunError where the kernel cannot. */
  async raise(): Promise<void> {
    for (const port of ['lan', 'wan'] as const) {
      const [near, far] = LINKS[port];
      await tried('ip', ['link', 'del', near]);
      this.#undo.add({ kind: 'run', command: 'ip', args: ['link', 'del', near] });
      await run('ip', ['link', 'add', near, 'type', 'veth', 'peer', 'name', far]);
      for (const end of [near, far]) {
        await run('ip', ['link', 'set', end, 'addrgenmode', 'none']);
        await run('ip', ['link', 'set', end, 'up']);
      }
      await run('tc', ['qdisc', 'add', 'dev', far, 'clsact']);
      const all = ['protocol', 'all', 'u32', 'match', 'u32', '0', '0'];
      const there = ['action', 'mirred', 'ingress', 'redirect', 'dev', this.#names[port]];
      await run('tc', ['filter', 'add', 'dev', far, 'ingress', ...all, ...there]);
    }
    await this.#closeWan();
  }

  /**
   * The rules drop every forged frame that would cross (chain `crossing`, src/policy/compile/nft.ts). Whoever deletes them between a reading of
   * theirs and the next forgery would let one out: here it ends in a link that leads nowhere, for not every kernel has tc's own `drop`.
   */
  async #closeWan(): Promise<void> {
    const { wan } = this.#names;
    const [, nowhere] = LINKS.wan;
    // Another hand's filters get other numbers.
    const ours = ['dev', wan, 'egress', 'pref', CANARY_FILTER.preference];
    await tried('tc', ['qdisc', 'add', 'dev', wan, 'clsact']);
    await tried('tc', ['filter', 'del', ...ours]);
    this.#undo.add({ kind: 'run', command: 'tc', args: ['filter', 'del', ...ours] });
    const forged = ['protocol', 'all', 'u32', 'match', 'ether', 'src', this.#mac];
    await run('tc', [
      'filter',
      'add',
      ...ours,
      ...forged,
      'action',
      'mirred',
      'egress',
      'redirect',
      'dev',
      nowhere,
    ]);
  }
}

/** What may be done already. */
async function tried(command: string, args: readonly string[]): Promise<void> {
  await run(command, args).catch((error: unknown) => {
    if (!(error instanceof RunError) || error.code !== 'failed') throw error;
  });
}
