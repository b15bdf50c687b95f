// Knows: the two links by which a forged frame comes in at a port as if it had come by its cable (veth(4), tc-mirred(8)): what is
// sent on `lgcan0` arrives at lan, on `lgcan2` at wan, before taps and rules. Must not know: what is forged, and why.

import type { BridgeNames } from './bridge.ts';
import { RunError, run } from './run-command.ts';
import type { UndoRecord } from './undo-record.ts';

type Port = 'lan' | 'wan';

/** Where a frame for this port is sent, and the far end from which the kernel takes it there. */
const LINKS: Readonly<Record<Port, readonly [string, string]>> = {
  lan: ['lgcan0', 'lgcan1'],
  wan: ['lgcan2', 'lgcan3'],
};

export class CanaryLinks {
  readonly #names: BridgeNames;
  readonly #undo: UndoRecord;

  constructor(names: BridgeNames, undo: UndoRecord) {
    this.#names = names;
    this.#undo = undo;
  }

  /** The interface to send on. */
  of(port: Port): string {
    return LINKS[port][0];
  }

  /** Makes both, over whatever is left of earlier ones; rejects with RunError where the kernel cannot. */
  async raise(): Promise<void> {
    for (const port of ['lan', 'wan'] as const) {
      const [near, far] = LINKS[port];
      await run('ip', ['link', 'del', near]).catch((error: unknown) => {
        // It was not there.
        if (!(error instanceof RunError) || error.code !== 'failed') throw error;
      });
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
  }
}
