// The two links through which a forged leak arrives at a port as if from its cable, before taps and rules (veth(4), tc-mirred(8)): frames sent
// on `lgcan0` arrive at lan, on `lgcan2` at wan. A filter keeps forged leaks from leaving by wan even without the rules.

import { CANARY_FILTER } from './bridge.ts';
import type { BridgeNames } from './bridge.ts';
import { RunError, run } from '../os/run-command.ts';
import type { UndoRecord } from '../os/undo-record.ts';

type Port = 'lan' | 'wan';

/** For each port the end of the link on which frames are sent, and the other end, from which the kernel redirects them to the port. */
const LINKS: Readonly<Record<Port, readonly [string, string]>> = {
  lan: ['lgcan0', 'lgcan1'],
  wan: ['lgcan2', CANARY_FILTER.nowhere],
};

/** The links of one daemon. They stay when it ends; the undo record removes them. */
export class CanaryLinks {
  readonly #names: BridgeNames;
  readonly #mac: string;
  readonly #undo: UndoRecord;

  /** `mac`: source address of forged frames, lower-case with colons. */
  constructor(names: BridgeNames, mac: string, undo: UndoRecord) {
    this.#names = names;
    this.#mac = mac;
    this.#undo = undo;
  }

  /** The name of the interface on which frames for this port must be sent, whether or not it exists yet. */
  of(port: Port): string {
    return LINKS[port][0];
  }

  /** Creates both links, replacing earlier ones. Rejects with RunError when the kernel does not support them. */
  async raise(): Promise<void> {
    for (const port of ['lan', 'wan'] as const) {
      const [near, far] = LINKS[port];
      await tolerant('ip', ['link', 'del', near]);
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
   * The rules drop every forged frame that would cross (chain `crossing`, src/policy/compile/nft.ts). If another program deleted them after they
   * were last read back, the next forged leak would get out: so it is redirected to a link to nowhere, since not every kernel has tc's `drop`.
   */
  async #closeWan(): Promise<void> {
    const { wan } = this.#names;
    const [, nowhere] = LINKS.wan;
    // Our own preference, so that no other program's filter is deleted.
    const ours = ['dev', wan, 'egress', 'pref', CANARY_FILTER.preference];
    await tolerant('tc', ['qdisc', 'add', 'dev', wan, 'clsact']);
    await tolerant('tc', ['filter', 'del', ...ours]);
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

/** Runs a command whose failure means that nothing was left to do. */
async function tolerant(command: string, args: readonly string[]): Promise<void> {
  await run(command, args).catch((error: unknown) => {
    if (!(error instanceof RunError) || error.code !== 'failed') throw error;
  });
}
