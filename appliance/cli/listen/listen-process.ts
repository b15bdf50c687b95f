// Knows: what a listening child does as a capture child: news out, the whole report at the end. Must not know: terminals.
// cap's read loop starves timers under flood, so the clock is read inside the frame callback too.

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

/** The first news go out at once, then at most this often, milliseconds. */
const NEWS_MS = 250;
/** Frames between two looks at the clock. */
const FRAMES_PER_LOOK = 64;
/** Looks into /proc in a second: each takes milliseconds in which frames wait. */
const LOOKS_PER_SECOND = 20;

class Listener {
  readonly #analysis: Analysis;
  readonly #name: string;
  readonly #began = monotonicMs();
  readonly #told = new Map<string, number>();
  #toldAt = -Infinity;
  #toldPackets = 0;
  /** What is judged as sent was sent by this machine. */
  readonly #isOwn: boolean;
  readonly #processes = new Map<string, Attribution>();
  #looks = { second: 0, left: LOOKS_PER_SECOND };

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
    if (this.#analysis.packets % FRAMES_PER_LOOK === 0) this.news();
  }

  /** Tells what is new, if it is time. */
  news(): void {
    const now = monotonicMs();
    if (now - this.#toldAt < NEWS_MS || this.#analysis.packets === this.#toldPackets) return;
    this.#toldAt = now;
    this.#toldPackets = this.#analysis.packets;
    const report = this.report();
    const news = report.incidents.filter(({ id, escaped }) => escaped > (this.#told.get(id) ?? 0));
    for (const { id, escaped } of news) this.#told.set(id, escaped);
    const bare = { ...report, names: [], incidents: [] };
    child.say({ type: 'report', report: { news, report: bare, whole: false } });
  }

  /** The process behind the frame just read. At once: a program that asks one question is gone with its answer. */
  #sender(): Attribution {
    const second = Math.floor(monotonicMs() / 1000);
    if (second !== this.#looks.second) this.#looks = { second, left: LOOKS_PER_SECOND };
    if (this.#looks.left === 0) return nobody('too many new leaks at once to look for each');
    this.#looks.left -= 1;
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

// The terminal's Ctrl-C reaches the whole process group; the command says when it is over.
process.on('SIGINT', () => undefined);
const child = new CaptureChild<ListenCommand, ListenReport>((command) => {
  if (command !== 'end') listener = listen(command);
  // One more turn of the poll phase: what the kernel already holds is read before the end.
  else
    setImmediate(() => {
      if (listener === undefined) return;
      child.say({ type: 'report', report: { news: [], report: listener.report(), whole: true } }, 0);
    });
}, true);
