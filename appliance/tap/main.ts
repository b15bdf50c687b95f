// Entry point of a tap, a capture child: connects device, reader and parent. One process per port, because it reads untrusted frames with no
// right but that, and because a port that goes down ends its tap.

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

/** A drained report is sent at least this often, milliseconds: it shows the guard that the tap is reading. */
const HEARTBEAT_MS = 200;
/** Aggregated frames wait for a report at most this long, unless the guard is busy, milliseconds. */
const LINGER_MS = 5;

/** Where the kernel refuses a filter or has no room for it (net.core.optmem_max), reads everything: the judge recognizes tunnel frames, too. */
function withFilter<Result>(filter: string, use: (filter: string) => Result): Result {
  try {
    return use(filter);
  } catch (error) {
    const isRefused = error instanceof CaptureError && /^FILTER_(?:TOO_LONG|REFUSED)$/.test(error.code);
    if (!isRefused) throw error;
    return use('');
  }
}

interface Tap {
  order: Pick<TapOrder, 'port' | 'policy' | 'learned' | 'inUse'>;
  filter: string;
  readonly reader: TapReader;
  readonly device: CaptureDevice;
}

/** Called when the guard has accepted the last report: allows the reader to send the next. */
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
    // Timers run before the event loop's poll phase; setImmediate lets that read waiting frames first.
    setImmediate(() => {
      // Skipped while the guard is behind.
      if (reader.pauseAt(monotonicMs()) < HEARTBEAT_MS / 4) reader.report(device.readUpTo(), true);
    });
  }, HEARTBEAT_MS);
  return { order, filter, reader, device };
}

const senders = new Map<string, FrameSender>();

/** Sends a frame, if the link exists. No error otherwise: the guard notices when the frame does not arrive. */
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
    // No frame is read in between, so frames that the new filter shows are judged by the new policy.
    if (command.type === 'judge') {
      const { policy = tap.order.policy, learned, boxMacs, orders } = command;
      const hasOtherServers =
        policy !== tap.order.policy || serversIn(learned) !== serversIn(tap.order.learned);
      tap.order = { ...tap.order, policy, learned };
      tap.reader.setJudge(compileJudge(policy, learned), {
        policy,
        boxMacs,
        orders,
        keepsFrames: policy.privacy === 'full',
      });
      if (hasOtherServers) updateFilter(tap);
    } else {
      tap.order = { ...tap.order, inUse: command.inUse };
      updateFilter(tap);
    }
  }
}

/**
 * The part of the learned state that the capture filter depends on: addresses of servers. Compiling a filter for many takes libpcap so long
 * that frames are not read in time (test/bench/RESULTS.md), so neighbours, which anyone on the wire can invent, must not cause it.
 */
function serversIn({ addresses, prefixes }: LearnedState): string {
  return [
    ...addresses.map(({ name, address }) => `${name} ${address}`),
    ...prefixes.map(({ network }) => network),
  ].join();
}

function updateFilter(tap: Tap): void {
  const { policy, port, learned, inUse } = tap.order;
  const filter = compileFilter(policy, port, learned, inUse);
  if (filter === tap.filter) return;
  tap.filter = filter;
  withFilter(filter, (text) => tap.device.setFilter(text));
}

const child = new CaptureChild<TapCommand, TapReport>(obey);
