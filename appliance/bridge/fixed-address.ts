// Knows: how the box gets the address at which its page always answers, on lan. Must not know: rules, the page.
// Follows RFC 3927 (169.254.0.0/16 stays on its link) and ip-rule(8). What keeps it away from wan are the rules.

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

import { FIXED_ADDRESS } from '../../src/policy/policy.ts';
import { run } from '../os/run-command.ts';
import type { UndoRecord } from '../os/undo-record.ts';

const LENGTH = 16;
/** A routing table of its own, for answers from this address alone: the box still knows no way to anywhere by itself. */
const TABLE = '16977';
const RULE = ['from', FIXED_ADDRESS, 'table', TABLE];

/** Whether the bridge has it now, and the way back from it: the kernel drops that when the bridge goes down. */
export function hasFixedAddress(bridge: string): boolean {
  const held = networkInterfaces()[bridge]?.some(({ address }) => address === FIXED_ADDRESS) === true;
  return held && readFileSync('/proc/net/fib_trie', 'latin1').includes(`Id ${TABLE}:\n`);
}

/**
 * Gives it to the bridge, which is up. A laptop keeps the address that its network gave it, so an answer goes to whatever
 * address asked, and on the link. Throws RunError.
 */
export async function giveFixedAddress(bridge: string, undo: UndoRecord): Promise<void> {
  await run('ip', ['addr', 'replace', `${FIXED_ADDRESS}/${LENGTH}`, 'dev', bridge, 'scope', 'link']);
  await run('ip', ['route', 'replace', 'default', 'dev', bridge, 'table', TABLE]);
  const rules = await run('ip', ['rule', 'show', ...RULE]);
  if (rules.trim() !== '') return;
  // Not `del`: what is gone already is no failure.
  undo.add({ kind: 'run', command: 'ip', args: ['rule', 'flush', ...RULE] });
  await run('ip', ['rule', 'add', ...RULE]);
}
