// The fixed address at which the box's page always answers on lan: RFC 3927 (169.254.0.0/16 stays on its link), ip-rule(8). The firewall rules
// keep it away from wan.

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

import { FIXED_ADDRESS } from '../../src/policy/policy.ts';
import { run } from '../os/run-command.ts';
import type { UndoRecord } from '../os/undo-record.ts';

const LENGTH = 16;
/** A routing table used only for answers from this address: the box itself still has no route to anywhere. */
const TABLE = '16977';
const RULE = ['from', FIXED_ADDRESS, 'table', TABLE];

/**
 * Whether the bridge has the address, and the routing table its route (`/proc/net/fib_trie`): the kernel removes the route when the bridge
 * goes down. Throws file system errors when that file cannot be read.
 */
export function hasFixedAddress(bridge: string): boolean {
  const held = networkInterfaces()[bridge]?.some(({ address }) => address === FIXED_ADDRESS) === true;
  return held && readFileSync('/proc/net/fib_trie', 'latin1').includes(`Id ${TABLE}:\n`);
}

/**
 * Gives the address to the bridge, which must be up. A laptop has an address of its own network, so answers to any address go out on the
 * link: a default route in a table of their own, and a rule for it (ip-rule(8)). Rejects with RunError, and with file system errors of the
 * undo record.
 */
export async function giveFixedAddress(bridge: string, undo: UndoRecord): Promise<void> {
  await run('ip', ['addr', 'replace', `${FIXED_ADDRESS}/${LENGTH}`, 'dev', bridge, 'scope', 'link']);
  await run('ip', ['route', 'replace', 'default', 'dev', bridge, 'table', TABLE]);
  const rules = await run('ip', ['rule', 'show', ...RULE]);
  if (rules.trim() !== '') return;
  // `flush`, because `del` fails when the rule is gone already.
  undo.add({ kind: 'run', command: 'ip', args: ['rule', 'flush', ...RULE] });
  await run('ip', ['rule', 'add', ...RULE]);
}
