// Knows: how judged frames that say the same thing are counted together before they leave the tap.
// Must not know: processes, pipes, clocks (times come in). DESIGN section 5: under flood a tap sends batches;
// what is folded is counted, never dropped.

import { copyFacts } from '../flow/facts.ts';
import type { Facts } from '../flow/facts.ts';
import type { Verdict } from '../policy/verdict.ts';
import { EvidenceBudget } from './evidence.ts';

/** Frames of one client that say the same thing, as one tap saw them. Times are monotonic milliseconds. */
export interface Observation {
  /** Of the first frame. */
  readonly facts: Facts;
  readonly verdict: Verdict;
  readonly direction: 'up' | 'down';
  /** The ruleset lets it pass even in block mode: seen on wan it is no breach. */
  readonly crosses: boolean;
  /** MAC address of the client as a number; for `down` the frame's destination. */
  readonly client: number;
  frames: number;
  readonly first: number;
  last: number;
  /** More distinct observations came than a batch holds: verdict, rule and kind hold for all, the rest for the first. */
  readonly folded: boolean;
  /** The beginning of the first frame, when it is wanted as evidence. */
  readonly frame?: Uint8Array;
}

type Judged = Pick<Observation, 'verdict' | 'direction' | 'crosses'>;

/** A tunnel's server answered a handshake. */
export interface Handshake {
  /** The tunnel's name. */
  readonly tunnel: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** What one tap says at a time, in order. */
export interface TapReport {
  readonly port: 'lan' | 'wan';
  /** Monotonic milliseconds when the report was closed. */
  readonly at: number;
  /** The tap had read everything the kernel had for it when the report was closed. */
  readonly drained: boolean;
  /** Since the tap started: all frames read, and leak frames going up that the kernel's forward hook counts too. */
  readonly frames: number;
  readonly leaksUp: number;
  readonly redLeaksUp: number;
  /** Frames that the kernel had no room for since the tap started: no program looked at them. */
  readonly lost: number;
  /** Frames in this report that were folded. */
  readonly newlyFolded: number;
  readonly observations: readonly Observation[];
  /** Absent when there was none. */
  readonly handshakes?: readonly Handshake[];
}

/** Collects frames until `take`; holds at most `limit` distinct observations, then folds by direction, verdict, rule and kind. */
export class ObservationBatch {
  readonly #limit: number;
  /** Says which leak frames go along. */
  readonly evidence = new EvidenceBudget();
  #held = new Map<string, Observation>();
  #folded = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#held.size;
  }

  /** `bytes` are the frame's, for `evidence` to take the beginning of; they may be overwritten afterwards. */
  add(facts: Facts, judged: Judged, client: number, now: number, bytes?: Uint8Array): void {
    const { verdict, direction } = judged;
    const key = sameness(facts, judged, client);
    const held = this.#held.get(key);
    if (held !== undefined) {
      held.frames += 1;
      held.last = now;
      return;
    }
    if (this.#held.size < this.#limit) {
      this.#hold(key, facts, judged, client, now, false, bytes);
      return;
    }
    this.#folded += 1;
    const folding = `folded ${String(judged.crosses)} ${direction} ${verdict.verdict} ${verdict.rule ?? ''} ${facts.kind}`;
    const fold = this.#held.get(folding);
    if (fold === undefined) {
      this.#hold(folding, facts, judged, client, now, true);
    } else {
      fold.frames += 1;
      fold.last = now;
    }
  }

  /** Hands over what was collected and starts anew. */
  take(): { observations: Observation[]; newlyFolded: number } {
    const taken = { observations: [...this.#held.values()], newlyFolded: this.#folded };
    this.#held = new Map();
    this.#folded = 0;
    return taken;
  }

  #hold(
    key: string,
    facts: Facts,
    judged: Judged,
    client: number,
    now: number,
    folded: boolean,
    bytes?: Uint8Array,
  ): void {
    const copy = copyFacts(facts);
    const leaks = judged.direction === 'up' && judged.verdict.verdict === 'leak';
    const frame = leaks && bytes !== undefined ? this.evidence.of(bytes, facts.captured, now) : undefined;
    const kept = frame === undefined ? {} : { frame };
    this.#held.set(key, {
      ...judged,
      facts: copy,
      client,
      frames: 1,
      first: now,
      last: now,
      folded,
      ...kept,
    });
  }
}

/** Frames with the same text here mean the same to the ledger, to correlation and to Eve. */
function sameness(facts: Facts, { verdict, direction, crosses }: Judged, client: number): string {
  const { findings } = facts;
  let text =
    `${direction} ${String(crosses)} ${String(client)} ${verdict.verdict} ${verdict.rule ?? ''} ${facts.kind} ` +
    `${verdict.destination} ${String(facts.destinationPort)} ${verdict.exposure}`;
  for (const answer of findings.answers) text += ` ${answer.name}=${answer.value}`;
  if (findings.offer !== undefined) text += ` ${String(facts.sourceMac)} ${JSON.stringify(findings.offer)}`;
  if (facts.arpOperation >= 0) text += ` ${String(facts.source[3])} ${String(facts.sourceMac)}`;
  if (findings.identity !== undefined) text += JSON.stringify(findings.identity);
  if (findings.recognition !== undefined) text += findings.recognition.protocol;
  return text;
}
