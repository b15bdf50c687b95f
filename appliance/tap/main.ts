// Knows: what a tap does as a capture child: its device, its reader, its reports. Must not know: the guard.
// One process per port: what reads frames of strangers has no other right, and a port that goes down ends its own tap alone.

import { randomInt } from 'node:crypto';
import { Dissector } from '../../src/flow/dissector.ts';
import { compileFilter } from '../../src/policy/compile/bpf.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import type { TapReport } from '../../src/guard/observation.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import { nodeQuicCrypto } from '../os/quic-crypto.ts';
import { monotonicMs } from '../os/clock.ts';
import type { FrameListener } from './block-walker.ts';
import { CaptureChild } from './child.ts';
import { CaptureError, openPacketDevice, openSender } from './packet-device.ts';
import type { CaptureDevice, FrameSender } from './packet-device.ts';
import type { TapCommand, TapOrder } from './messages.ts';
import { TapReader } from './reader.ts';

/** A drained report at least this often, milliseconds: the guard's sign that the tap reads. */
const HEARTBEAT_MS = 200;
/** What was counted together waits at most this long, milliseconds. */
const LINGER_MS = 5;

/** A filter that this kernel has no room for (net.core.optmem_max) or refuses hides nothing: the judge knows tunnel frames too. */
function withFilter<Result>(filter: string, use: (filter: string) => Result): Result {
  try {
    return use(filter);
  } catch (error) {
    const isOfFilter = error instanceof CaptureError && /^FILTER_(?:TOO_LONG|REFUSED)$/.test(error.code);
    if (!isOfFilter) throw error;
    return use('');
  }
}

interface Tap {
  by: Pick<TapOrder, 'port' | 'policy' | 'learned' | 'inUse'>;
  filter: string;
  readonly reader: TapReader;
  readonly device: CaptureDevice;
}

/** Has the reader go on when the guard has taken its report. */
let taken = (): void => undefined;

function start(order: TapOrder): Tap {
  let lost = (): number => 0;
  const reader = new TapReader({
    port: order.port,
    dissector: new Dissector({
      quic: nodeQuicCrypto,
      relays: new Set(order.relays),
      secret: randomInt(2 ** 32),
    }),
    judge: compileJudge(order.policy, order.learned),
    policy: order.policy,
    boxMacs: order.boxMacs,
    orders: order.orders,
    canary: order.canary,
    keepsFrames: order.policy.privacy === 'full',
    monotonic: monotonicMs,
    lost: () => lost(),
    emit: async (report) => {
      const isTaken = new Promise<void>((resolve) => {
        taken = resolve;
      });
      child.say({ type: 'report', report });
      await isTaken;
    },
  });
  reader.answered(order.answered ?? [], [], order.orders);
  let lingering = false;
  const linger = (ms: number): void => {
    lingering = true;
    setTimeout(() => {
      lingering = false;
      const now = monotonicMs();
      const pause = reader.pauseAt(now);
      if (!reader.pending) return;
      if (pause === 0) reader.report(now, false);
      else linger(Number.isFinite(pause) ? pause : LINGER_MS);
    }, ms);
  };
  const onFrame: FrameListener = (bytes, captured, length, outgoing, at) => {
    reader.frame(bytes, captured, length, outgoing, at);
    if (reader.pending && !lingering) linger(LINGER_MS);
  };
  const onEnd = (reason: string): void => {
    reader.report(monotonicMs(), false);
    child.giveUp(reason);
  };
  const filter = compileFilter(order.policy, order.port, order.learned, order.inUse);
  const device = withFilter(filter, (text) =>
    openPacketDevice(order.interface, { filter: text, onFrame, onEnd }),
  );
  lost = (): number => device.dropped();
  child.say({ type: 'open' });
  setInterval(() => {
    if (child.isEnding) return;
    // Timers run before the poll phase: what waits there is read first.
    setImmediate(() => {
      // A guard that is behind has its pause first.
      if (reader.pauseAt(monotonicMs()) < HEARTBEAT_MS / 4) reader.report(device.readUpTo(), true);
    });
  }, HEARTBEAT_MS);
  return { by: order, filter, reader, device };
}

const senders = new Map<string, FrameSender>();

/** A link that is not there (any more) sends nothing: what should have come of it is missed by whoever waits for it. */
function sendOn(interfaceName: string, frame: Uint8Array): void {
  try {
    const sender = senders.get(interfaceName) ?? openSender(interfaceName);
    senders.set(interfaceName, sender);
    sender.send(frame);
  } catch (error) {
    senders.get(interfaceName)?.close();
    senders.delete(interfaceName);
    if (!(error instanceof CaptureError)) throw error;
  }
}

let tap: Tap | undefined;

function obey(command: TapCommand): void {
  if (command.type === 'order') {
    tap = start(command.order);
  } else if (command.type === 'taken') {
    taken();
  } else if (command.type === 'send') {
    sendOn(command.interface, command.frame);
  } else if (tap !== undefined) {
    if (command.type === 'answered') {
      tap.reader.answered(command.opened, command.gone, command.orders);
      return;
    }
    // No frame is read between the two: what the new filter shows is judged by the new policy.
    if (command.type === 'judge') {
      const { policy = tap.by.policy, learned, boxMacs, orders } = command;
      const isElsewhere = policy !== tap.by.policy || serversIn(learned) !== serversIn(tap.by.learned);
      tap.by = { ...tap.by, policy, learned };
      tap.reader.setJudge(compileJudge(policy, learned), {
        policy,
        boxMacs,
        orders,
        keepsFrames: policy.privacy === 'full',
      });
      if (isElsewhere) filterAnew(tap);
    } else {
      tap.by = { ...tap.by, inUse: command.inUse };
      filterAnew(tap);
    }
  }
}

/**
 * What was learned of servers. A filter of many takes libpcap so long that no frame is read meanwhile (test/bench/RESULTS.md): neighbours,
 * whom anyone on the wire can make up, do not change it.
 */
function serversIn({ addresses, prefixes }: LearnedState): string {
  return [
    ...addresses.map(({ name, address }) => `${name} ${address}`),
    ...prefixes.map(({ network }) => network),
  ].join();
}

function filterAnew(tap: Tap): void {
  const { policy, port, learned, inUse } = tap.by;
  const filter = compileFilter(policy, port, learned, inUse);
  if (filter === tap.filter) return;
  tap.filter = filter;
  withFilter(filter, (text) => tap.device.setFilter(text));
}

const child = new CaptureChild<TapCommand, TapReport>(obey);
