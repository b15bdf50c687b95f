// The capture child of `watch --iface`: analyzes frames, reports new incidents while it listens and everything at the end.
// cap's read loop starves timers during a flood, so the clock is also read in the frame callback.

import { randomInt } from 'node:crypto';

import { Dissector } from '../../../src/flow/dissector.ts';
import { Analysis } from '../../../src/analysis/analysis.ts';
import { incidentId } from '../../../src/analysis/analysis-incidents.ts';
import { LearningJudge } from '../../../src/analysis/analysis-learn.ts';
import { attribute, nobody, originOf } from '../../../src/guard/incidents/attribution.ts';
import type { Attribution } from '../../../src/guard/incidents/attribution.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import { NOTHING_LEARNED } from '../../../src/policy/servers/learned.ts';
import { monotonicMs } from '../../os/clock.ts';
import { nodeQuicCrypto } from '../../os/quic-crypto.ts';
import { holdersOf, readSockets } from '../../os/sockets.ts';
import { openCap } from '../../tap/cap-device.ts';
import { CaptureChild } from '../../tap/child.ts';
import { withLearned } from '../given-policy.ts';
import type { HeardReport, ListenCommand, ListenOrder, ListenReport } from './listen.ts';

/** The first report is sent at once, later ones at least this many milliseconds apart. */
const NEWS_MS = 250;
/** Frames between two readings of the clock. */
const FRAMES_PER_CLOCK_READING = 64;
/** Searches of /proc per second: each takes milliseconds, during which frames wait. */
const LOOKUPS_PER_SECOND = 20;

class Listener {
  readonly #analysis: Analysis;
  readonly #name: string;
  readonly #began = monotonicMs();
  /** Escaped frames of each incident when it was last reported. */
  readonly #reported = new Map<string, number>();
  #reportedAt = -Infinity;
  #reportedPackets = 0;
  /** The client whose frames are judged is this machine. */
  readonly #isOwn: boolean;
  readonly #processes = new Map<string, Attribution>();
  #lookups = { second: 0, left: LOOKUPS_PER_SECOND };

  constructor(name: string, analysis: Analysis, isOwn: boolean) {
    this.#name = name;
    this.#analysis = analysis;
    this.#isOwn = isOwn;
  }

  frame(bytes: Uint8Array, captured: number, linkType: number): void {
    const before = this.#analysis.incidents;
    this.#analysis.packet(bytes, 0, captured, captured, linkType, Date.now() * 1000);
    if (this.#analysis.incidents > before && this.#isOwn && this.#analysis.isSent)
      this.#processes.set(incidentId(before + 1), this.#sender());
    if (this.#analysis.packets % FRAMES_PER_CLOCK_READING === 0) this.news();
  }

  /** Reports new and grown incidents, unless the last report was less than NEWS_MS ago. */
  news(): void {
    const now = monotonicMs();
    if (now - this.#reportedAt < NEWS_MS || this.#analysis.packets === this.#reportedPackets) return;
    this.#reportedAt = now;
    this.#reportedPackets = this.#analysis.packets;
    const report = this.report();
    const news = report.incidents.filter(({ id, escaped }) => escaped > (this.#reported.get(id) ?? 0));
    for (const { id, escaped } of news) this.#reported.set(id, escaped);
    const bare = { ...report, names: [], incidents: [] };
    child.say({ type: 'report', report: { news, report: bare, whole: false } });
  }

  /** The process that sent the frame just read. Looked up at once: a program that sends one query exits when it has its answer. */
  #sender(): Attribution {
    const second = Math.floor(monotonicMs() / 1000);
    if (second !== this.#lookups.second) this.#lookups = { second, left: LOOKUPS_PER_SECOND };
    if (this.#lookups.left === 0) return nobody('too many new leaks at once to look up the process of each');
    this.#lookups.left -= 1;
    const origin = originOf(this.#analysis.parsed, readSockets());
    return attribute(origin, origin === undefined ? [] : holdersOf(origin.inodes));
  }

  report(): HeardReport {
    const report = this.#analysis.report(this.#name, Math.round(monotonicMs() - this.#began));
    const incidents = report.incidents.map((incident) => {
      const process = this.#processes.get(incident.id);
      return process === undefined ? incident : { ...incident, process };
    });
    return { ...report, incidents };
  }
}

function listen(order: ListenOrder): Listener | undefined {
  const { policy } = order;
  if (policy === undefined) {
    openCap(order.interface, () => undefined);
    child.say({ type: 'open' }, 0);
    return undefined;
  }
  const judge = new LearningJudge(
    (endpoints, exposed) => compileJudge(withLearned(policy, endpoints), { ...NOTHING_LEARNED, exposed }),
    order.learn,
    order.client,
  );
  const analysis = new Analysis({
    dissector: new Dissector({
      quic: nodeQuicCrypto,
      relays: new Set(order.relays),
      secret: randomInt(2 ** 32),
    }),
    judge,
    answersBy: policy,
    ...(order.client === undefined ? {} : { client: order.client }),
    own: { mac: order.ownMac, addresses: new Set(order.ownAddresses) },
  });
  const listener = new Listener(
    order.interface,
    analysis,
    order.client === undefined || order.client === order.ownMac,
  );
  openCap(order.interface, (bytes, captured, linkType) => {
    listener.frame(bytes, captured, linkType);
  });
  child.say({ type: 'open' });
  setInterval(() => listener.news(), NEWS_MS / 5);
  return listener;
}

let listener: Listener | undefined;

// The terminal's Ctrl-C reaches the whole process group; only the parent command decides when to end.
process.on('SIGINT', () => undefined);
const child = new CaptureChild<ListenCommand, ListenReport>((command) => {
  if (command !== 'end') listener = listen(command);
  // One more turn of the event loop's poll phase: frames that the kernel already holds are read before the end.
  else
    setImmediate(() => {
      if (listener === undefined) return;
      child.say({ type: 'report', report: { news: [], report: listener.report(), whole: true } }, 0);
    });
}, true);
