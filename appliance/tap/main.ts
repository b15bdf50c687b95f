// Knows: the life of one tap process: order in, device open, reports out, gone with its parent. Must not know: the guard.
// One process per port: cap aborts the process when its port goes down, and its read loop starves timers under flood.

import { writeSync } from 'node:fs';
import { Dissector } from '../../src/flow/dissector.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { nodeQuicCrypto } from '../quic-crypto.ts';
import { monotonicMs } from '../clock.ts';
import { openDevice } from './device.ts';
import { REPORT_FD, encode } from './messages.ts';
import type { TapCommand, TapMessage, TapOrder } from './messages.ts';
import { TapReader } from './reader.ts';
import { BridgeSides } from './sides.ts';

/** A drained report at least this often, milliseconds: the guard's sign that the tap reads. */
const HEARTBEAT_MS = 200;
/** What was counted together waits at most this long, milliseconds. */
const LINGER_MS = 5;

function send(message: TapMessage): void {
  const bytes = encode(message);
  try {
    for (let sent = 0; sent < bytes.length;) sent += writeSync(REPORT_FD, bytes, sent);
  } catch {
    // The daemon is gone: nobody is left to report to.
    process.exit(0);
  }
}

function start(order: TapOrder): TapReader {
  const { bridge } = order.policy;
  const reader = new TapReader({
    port: order.port,
    dissector: new Dissector({ quic: nodeQuicCrypto }),
    judge: compileJudge(order.policy, order.learned),
    sides: new BridgeSides(bridge.name, bridge.lan),
    chatterIsRed: order.policy.localChatter === 'red',
    keepsFrames: order.policy.privacy === 'full',
    monotonic: monotonicMs,
    emit: (report) => {
      send({ type: 'report', report });
    },
  });
  let lingering = false;
  const device = openDevice(order.interface, order.filter, (bytes, captured) => {
    reader.frame(bytes, captured, captured, device.linkType);
    if (!reader.pending || lingering) return;
    lingering = true;
    setTimeout(() => {
      lingering = false;
      if (reader.pending) reader.report(monotonicMs(), false);
    }, LINGER_MS);
  });
  send({ type: 'open', at: monotonicMs() });
  setInterval(() => {
    // Timers run before the poll phase: only after one more poll is everything read that was there at `at`.
    const at = monotonicMs();
    setImmediate(() => {
      reader.report(at, true);
    });
  }, HEARTBEAT_MS);
  return reader;
}

let reader: TapReader | undefined;

function obey(command: TapCommand): void {
  if (command.type === 'order') {
    reader = start(command.order);
  } else {
    const { policy, learned } = command;
    reader?.setJudge(compileJudge(policy, learned), policy.localChatter === 'red', policy.privacy === 'full');
  }
}

process.on('message', (command) => {
  try {
    obey(command as TapCommand);
  } catch (error) {
    send({ type: 'fault', message: error instanceof Error ? error.message : String(error) });
    process.exit(3);
  }
});
process.once('disconnect', () => process.exit(0));
