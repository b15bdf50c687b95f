// Brings together everything that was reported and says what it means (README.md, What it guarantees): what is shown was seen on the
// wire, and an unknown state is `blind`, never `clear`. No I/O here: the daemon feeds it.

import { counterOf } from '../policy/compile/counted.ts';
import { isOpenProfile } from '../policy/filter/direct.ts';
import { PassStops } from './incidents/pass-stops.ts';
import type { LearnedState } from '../policy/servers/learned.ts';
import type { Policy } from '../policy/policy.ts';
import { ALLOWED_MOST } from './history/allowed.ts';
import { ModeTimes, SKEW_MS } from './account/account.ts';
import { Balance } from './account/balance.ts';
import type { Accounted } from './account/balance.ts';
import { Canary } from './canary/canary.ts';
import type { CanaryMeans } from './canary/canary.ts';
import { sumCounters } from './account/counters.ts';
import type { CounterValues, KernelSums } from './account/counters.ts';
import { FirstPackets } from './answers/first-packets.ts';
import type { Resolutions } from './answers/first-packets.ts';
import type { Gap } from './tunnels/gaps.ts';
import { viewOf } from './incidents/incident-view.ts';
import { IncidentBook, UNSEEN_EXPOSURE } from './incidents/incidents.ts';
import type { Incident } from './incidents/incidents.ts';
import type { Now } from './now.ts';
import type { Observation, TapReport } from './observation.ts';
import { redactedIncident, redactedGap } from './history/past.ts';
import { Observer } from './observer.ts';
import { RulesInForce } from './account/rules-in-force.ts';
import { judgeSituation } from './state.ts';
import type { Situation } from './state.ts';
import { outcomeOf } from '../api/shown.ts';
import { OUTCOMES } from '../api/words.ts';
import type { Outcome } from '../api/words.ts';
import type { AllowedView, HealthView, IncidentView, Status, TapHealth, TunnelView } from '../api/status.ts';
import { TapRecord } from './tap-record.ts';
import { isAlive } from './tunnels/liveness.ts';
import { TunnelWatch } from './tunnels/tunnel-watch.ts';

/** For so long after the start the state is `starting` rather than `blind`, milliseconds. */
const STARTING_MS = 5_000;
/** Rows of allowed direct traffic that a status lists. */
const ALLOWED_ROWS = 20;
const PROVEN = 'a forged leak was seen, counted and held';
/** A reading of the kernel's counters older than this no longer counts, milliseconds. */
const READING_MS = 3_000;
/** The state is blind for so long after a tap saw frames that the kernel had not counted, milliseconds. */
const SURPLUS_MS = 10_000;
/** For so long after the bridge is whole again, a comparison may still cover the time before. Milliseconds. */
const PARTED_MS = 3_000;
/** A tap reports five times a second, even in a flood: one that has been silent for so long is not reading. Milliseconds. */
const SILENT_MS = 1_500;

/** What the guard is given by the daemon. */
export interface GuardPorts {
  readonly now: () => Now;
  /** The version that the status shows. */
  readonly version: string;
  /** Prefix of every incident id, so that ids stay unique across restarts. */
  readonly idPrefix: string;
  /** Means to forge leaks with, to prove that a real one would be seen; without them no proof is required. */
  readonly canary?: CanaryMeans;
  /** What the host names of tunnels' servers resolve to; without it a tunnel's first packet cannot be told from a leak. */
  readonly leads?: Resolutions;
}

/** Whether the rules in force were read back and are the intended ones; `detail` is for people. */
export interface FirewallState {
  readonly verified: boolean;
  readonly detail: string;
}

/** All that is known of one box, in memory. Moments are monotonic milliseconds unless said otherwise. */
export class Guard {
  readonly #ports: GuardPorts;
  readonly #started: Now;
  readonly #taps: Readonly<Record<'lan' | 'wan', TapRecord>>;
  readonly #book: IncidentBook;
  readonly #balance: Balance;
  /** Undefined where no proof is required. */
  readonly canary: Canary | undefined;
  readonly #mode = new ModeTimes();
  /** Turns observations into incidents, and holds what was learned from them. */
  readonly observer: Observer;
  readonly #tunnels = new TunnelWatch();
  #policy: Policy;
  /** No policy was set before. */
  #isFirst = true;
  #sums: KernelSums | undefined;
  #readingAt: Now | undefined;
  #firewall: FirewallState = { verified: false, detail: 'the ruleset has not been read back yet' };
  #verifiedAt: number | undefined;
  #blockMode = false;
  #drops = false;
  /** Since when the kernel is known to drop leaks, monotonic milliseconds. */
  #enforcingSince: number | undefined;
  #passUntil: number | undefined;
  readonly #passStops = new PassStops();
  readonly #firstPackets: FirstPackets | undefined;
  readonly #rules = new RulesInForce();
  #surplus: { readonly text: string; readonly until: number } | undefined;
  #ready = false;
  #since: number;
  #lastState: string | undefined;
  #foldedObservations = 0;
  #warnings: readonly string[] = [];
  #unplugged: readonly string[] = [];
  /** Other reasons for being blind, by topic. */
  readonly #doubts = new Map<string, readonly string[]>();
  /** Until then (monotonic milliseconds) a port may have been outside the bridge: what came there met no rule and no counter. */
  #partedUntil = -Infinity;

  constructor(policy: Policy, ports: GuardPorts) {
    this.#ports = ports;
    this.#policy = policy;
    this.#started = ports.now();
    this.#since = this.#started.wall;
    this.#book = new IncidentBook(2_000, ports.idPrefix);
    this.canary = ports.canary && new Canary(ports.canary);
    const first = (this.#firstPackets = ports.leads && new FirstPackets(ports.leads));
    this.#balance = new Balance(this.#book, this.canary?.counted, (counter, from, to) =>
      // A tap that lost frames may have lost others than the tunnel's first packet.
      this.#taps.lan.readsSince < from ? first?.unlooked(counter, from, to) : undefined,
    );
    this.observer = new Observer(policy, this.#book, this.#tunnels);
    this.#taps = {
      lan: new TapRecord('lan', policy.bridge.lan),
      wan: new TapRecord('wan', policy.bridge.wan),
    };
    this.setPolicy(policy);
  }

  /** Call before the kernel is given a policy; then `ordered` or `callOff`. */
  expectPolicy(policy: Policy, learned: LearnedState): void {
    this.#rules.expect(policy, learned, this.#ports.now().monotonic);
  }

  /** The kernel has that policy, and the taps judge by it from these orders on (numbered from earlier to later). */
  ordered(orders: number): void {
    this.#rules.ordered(orders, this.#ports.now().monotonic);
    this.change(orders);
  }

  /** The kernel has refused that policy. */
  callOff(): void {
    this.#rules.callOff();
  }

  /** From these orders on (numbered from earlier to later) the taps judge by this set of learned addresses. */
  learned(learned: LearnedState, orders: number): void {
    this.#rules.learned(learned, orders, this.#ports.now().monotonic);
    this.change(orders);
  }

  /** Judges, names and counts by this policy from now on. */
  setPolicy(policy: Policy): void {
    // What was recorded under another privacy setting has more detail, or less.
    if (policy.privacy !== this.#policy.privacy) this.#passStops.clear();
    this.#policy = policy;
    this.observer.setPolicy(policy);
    this.#firstPackets?.setPolicy(policy);
    this.#tunnels.setPolicy(policy, this.#isFirst ? -Infinity : this.#ports.now().wall);
    this.#isFirst = false;
    this.#sums = undefined;
  }

  /** Takes a tap's report; returns the incidents that changed, to be stored. */
  report(report: TapReport): Incident[] {
    const now = this.#ports.now();
    const tap = this.#taps[report.port];
    const hasLost = tap.take(report, now.monotonic);
    this.#balance.tap(report);
    if (report.unsure === true) this.#balance.change(report.orders);
    for (const sighting of report.canaries ?? []) this.canary?.saw(report.port, sighting, now.monotonic);
    if (hasLost) this.canary?.lossy(report.port, now.monotonic);
    this.#foldedObservations += report.newlyFolded;
    const changed = new Set<Incident>();
    const passOpen = this.#isPassOpen(now);
    if (report.port === 'wan') {
      // What was begun before it was answered.
      this.#tunnels.attempted(report.attempts);
      this.#tunnels.answered(report.handshakes, now);
    }
    for (const incident of this.observer.served(report.lessons ?? [], now)) changed.add(incident);
    for (const observation of report.observations) {
      if (passOpen && this.#enforcingSince !== undefined)
        this.#passStops.take(observation, this.#book.redaction);
      const due =
        this.#firstPackets === undefined
          ? observation
          : this.#firstPackets.take(report.port, observation, now.monotonic);
      if (due === undefined) continue;
      for (const incident of this.#observe(report.port, due, now)) changed.add(incident);
    }
    for (const connections of report.nameless ?? [])
      for (const incident of this.observer.nameless(connections, now)) changed.add(incident);
    this.#rules.heard(report);
    return [...changed];
  }

  #observe(port: 'lan' | 'wan', observation: Observation, now: Now): Incident[] {
    const since = this.#enforcingSince ?? Infinity;
    const isAgainst = port === 'wan' && observation.first > since + SKEW_MS && !observation.crosses;
    const letOut = isAgainst ? this.#rules.rulesThatLetOut(observation, now.monotonic) : undefined;
    if (letOut?.isLeak === false) {
      this.#book.letOut(observation, now);
      return [];
    }
    return this.observer.take(port, observation, now, isAgainst && letOut === undefined);
  }

  /** Takes the kernel's counters, cumulative, read at some moment between `begun` and `ended` (monotonic milliseconds). */
  reading(begun: number, ended: number, values: CounterValues): void {
    const now = this.#ports.now();
    const sums = sumCounters(values, this.#policy.tunnels.length);
    this.#sums = sums;
    this.#readingAt = now;
    // A reading that may have counted a forged leak only in part is not compared; the next one is.
    if (this.canary?.tears(begun) !== true) this.#balance.reading(begun, ended, values);
    this.canary?.read(begun, values);
    this.#tunnels.read(sums, now);
    if (this.#blindness(now).length === 0) this.#ready = true;
  }

  /** Whether both taps have read past the newest reading of the counters: a frame that comes now is only in the next one. */
  get isPastReading(): boolean {
    return this.#balance.isPast;
  }

  /** Continues counting from the counter values that an earlier process had accounted for. */
  resume(values: CounterValues): void {
    this.#balance.resume(values);
  }

  /** The incidents' frames in terms of the kernel's counters, to be kept with them; undefined before the first reading. */
  get accounted(): Accounted | undefined {
    return this.#balance.accounted;
  }

  /** Call when rules or judge are being changed; `orders` is the number of the newest orders that the taps were given. */
  change(orders: number): void {
    this.#balance.change(orders);
    this.canary?.change();
  }

  /** Takes the result of reading the rules back. */
  firewall(state: FirewallState): void {
    this.#firewall = state;
    const now = this.#ports.now();
    if (state.verified) {
      this.#verifiedAt = now.wall;
      if (this.#drops) this.#enforce(now.monotonic);
    } else {
      this.#release(now.monotonic);
    }
  }

  /** Takes a tap's new state; `detail` is for people. */
  tap(port: 'lan' | 'wan', state: TapHealth['state'], detail: string): void {
    const tap = this.#taps[port];
    const now = this.#ports.now().monotonic;
    if (port === 'wan' && state !== 'up') this.observer.wanLost();
    if (state === 'up' && tap.state !== 'up') {
      this.#balance.tapStarted(port);
      this.canary?.restart(now);
    }
    tap.become(state, detail, now);
  }

  /** Sets what the kernel has done since monotonic `appliedAt`: call it once the ruleset has been read back. `drops`: it drops leaks. */
  setBlockMode(on: boolean, drops: boolean, appliedAt: number): void {
    if (!drops) this.#release(appliedAt);
    else if (!this.#drops) this.#enforce(appliedAt);
    this.#drops = drops;
    this.#blockMode = on;
  }

  #enforce(at: number): void {
    this.#enforcingSince ??= at;
    this.#mode.become(true, at);
  }

  #release(at: number): void {
    this.#enforcingSince = undefined;
    this.#mode.become(false, at);
  }

  /** The end of the open captive-portal exception (pass), wall clock milliseconds; undefined when none is open. */
  setPass(until: number | undefined): void {
    if (this.#passUntil === undefined || until === undefined) this.#passStops.clear();
    this.#passUntil = until;
  }

  #isPassOpen(now: Now): boolean {
    return this.#passUntil !== undefined && this.#passUntil > now.wall;
  }

  /** Warnings that the status lists, as sentences. */
  setWarnings(warnings: readonly string[]): void {
    this.#warnings = warnings;
  }

  /** Sets the reasons of this topic for being blind, besides taps, rules and counters; an empty list ends it. */
  doubt(topic: string, reasons: readonly string[]): void {
    this.#doubts.set(topic, reasons);
  }

  /** Takes what is wrong with the bridge, as phrases; an empty list: it is whole. */
  bridge(faults: readonly string[]): void {
    this.doubt(
      'bridge',
      faults.map((fault) => `the bridge is not whole (${fault})`),
    );
    if (faults.length > 0) this.#partedUntil = Infinity;
    else if (this.#partedUntil === Infinity) this.#partedUntil = this.#ports.now().monotonic + PARTED_MS;
  }

  /** Sets the interfaces without a cable, by name: nothing is sent there, so no proof is needed, but the light is not green either. */
  unplugged(ports: readonly string[]): void {
    this.canary?.withhold(ports.length > 0, this.#ports.now().monotonic);
    if (ports.length > 0 || this.canary?.isWithheld !== true) this.#unplugged = ports;
  }

  /** All incidents, for the code that stores them. */
  get book(): IncidentBook {
    return this.#book;
  }

  /** Leak frames since the start that the kernel counted and no tap saw. */
  get unseen(): number {
    return this.#book.unseenFrames;
  }

  /** Whether the rules, when last read back, were the intended ones. */
  get verified(): boolean {
    return this.#firewall.verified;
  }

  /** Whether block mode is on, as last set. */
  get blockMode(): boolean {
    return this.#blockMode;
  }

  /** Decides everything that is due; call it about ten times a second. Returns the incidents that changed, each once. */
  tick(): Incident[] {
    const now = this.#ports.now();
    const held = this.#firstPackets?.due(now.monotonic) ?? [];
    const observed = held.flatMap(({ port, observation }) => this.#observe(port, observation, now));
    const { lan, wan } = this.#taps;
    const dropped = this.#mode.dropped.bind(this.#mode);
    const settled = this.#book.settle({
      now: now.monotonic,
      lanRead: lan.drainedAt,
      wanRead: wan.drainedAt,
      wanSince: wan.readsSince,
      dropped,
    });
    const { changed, surplus } = this.#balance.settle(now, dropped, this.#policy.localChatter === 'red');
    for (const { port, counter, frames } of now.monotonic < this.#partedUntil ? [] : surplus) {
      const { interface: name } = this.#taps[port];
      const text = `the tap on ${name} saw ${String(frames)} frames that the kernel did not count (${counter})`;
      this.#surplus = { text, until: now.monotonic + SURPLUS_MS };
    }
    return [...new Set([...observed, ...settled, ...changed])];
  }

  /** Host names of endpoints whose tunnel is alive. */
  tunnelNamesInUse(): Set<string> {
    return this.#tunnels.namesInUse(this.#ports.now().monotonic);
  }

  /** Endpoints of the policy whose servers have answered, as the policy writes them, the latest last. */
  tunnelEndpointsInUse(): readonly string[] {
    return this.#tunnels.endpointsInUse();
  }

  /** Whether a silent tunnel has come up after monotonic milliseconds `since`. */
  tunnelCameUpSince(since: number): boolean {
    return this.#tunnels.cameUpSince(since);
  }

  /**
   * Tunnel silences in which something escaped or the server did not answer, newest first within each tunnel; none under privacy `minimal`,
   * which keeps no such times.
   */
  gaps(): readonly Gap[] {
    if (this.#policy.privacy === 'minimal') return [];
    const { redaction } = this.#book;
    return this.#tunnels.gaps(this.#ports.now().monotonic).map((gap) => redactedGap(gap, redaction));
  }

  /**
   * Traffic outside the tunnel that the profile allowed, newest first, at most `most` rows; undefined where it allows none and none was
   * seen.
   */
  allowed(most = ALLOWED_MOST): AllowedView | undefined {
    const view = this.observer.allowed.view(this.#book.redaction, this.#started.wall, most);
    return view.frames > 0 || isOpenProfile(this.#policy) ? view : undefined;
  }

  /** Acknowledges one incident, or `all`; false when there is no incident with this id. */
  acknowledge(id: string): boolean {
    return this.#book.acknowledge(id);
  }

  /** The incident as the current privacy setting shows it; undefined when no incident in the book has this id. */
  incident(id: string): IncidentView | undefined {
    const incident = this.#book.get(id);
    return incident === undefined ? undefined : this.view(incident);
  }

  /** All incidents in the book, newest first, as the current privacy setting shows them. */
  incidents(): IncidentView[] {
    return this.#book.all().map((incident) => this.view(incident));
  }

  /** An incident as the current privacy setting shows it, even one recorded under an earlier setting. */
  view(incident: Incident): IncidentView {
    return redactedIncident({ incident: viewOf(incident), privacy: incident.privacy }, this.#book.redaction);
  }

  /** The tunnels with all of their endpoints. */
  tunnels(): TunnelView[] {
    return this.#tunnelViews(this.#ports.now(), this.#book.all(), Infinity);
  }

  #tunnelViews(now: Now, all: readonly Incident[], listed?: number): TunnelView[] {
    const views = this.#tunnels.views(now, (wall) => this.#shownTime(wall), listed);
    return views.map((view) => {
      const explained = this.#tunnels.explained(view.name, all)?.length ?? 0;
      return explained === 0 ? view : { ...view, explained };
    });
  }

  /** Ids of unacknowledged incidents that were the tunnel's own traffic before it was trusted; undefined: there is no such tunnel. */
  explained(name: string): readonly string[] | undefined {
    return this.#tunnels.explained(name, this.#book.all())?.map(({ id }) => id);
  }

  /** The status that page, command line and LED show; times are ISO 8601 in UTC, redacted as privacy requires. */
  status(): Status {
    const now = this.#ports.now();
    const all = this.#book.all();
    const open = all.filter((incident) => !incident.acknowledged);
    const outcomes = byOutcome(open);
    const tunnels = this.#tunnelViews(now, open);
    const { state, lamp, why } = judgeSituation(this.#situation(now, all, outcomes, tunnels));
    if (`${state} ${why}` !== this.#lastState) {
      if (this.#lastState?.split(' ')[0] !== state) this.#since = now.wall;
      this.#lastState = `${state} ${why}`;
    }
    const meshes = this.observer.meshes.list(this.#policy);
    const allowed = this.allowed(ALLOWED_ROWS);
    return {
      state,
      lamp,
      why,
      since: new Date(this.#shownTime(this.#since)).toISOString(),
      blockMode: this.#blockMode,
      profile: this.#policy.profile,
      ...(this.#policy.profile !== 'full-tunnel' ? { direct: this.#policy.direct } : {}),
      tunnels,
      ledger: { ...this.#book.ledger, unseen: this.unseen },
      unacknowledged: open.length,
      open: counted(outcomes),
      incidents: this.#book.digest(all, 20).map((incident) => this.view(incident)),
      counters: this.#kinds(),
      passUntil: this.#passUntil === undefined ? null : new Date(this.#passUntil).toISOString(),
      ...(meshes.length === 0 ? {} : { meshes }),
      ...(allowed === undefined ? {} : { allowed }),
      ...(this.#isPassOpen(now) ? { passStopped: this.#passStops.list() } : {}),
      health: this.#health(now),
      version: this.#ports.version,
    };
  }

  /** `outcomes`: the unacknowledged ones of `all`. */
  #situation(
    now: Now,
    all: readonly Incident[],
    outcomes: ByOutcome,
    tunnels: readonly TunnelView[],
  ): Situation {
    const blindness = this.#blindness(now);
    const { warning: warnings, blocked: stops } = outcomes;
    const redStops = stops.filter(({ severity }) => severity === 'red');
    const isUnseen = ({ exposure, severity }: Incident): boolean =>
      severity === 'red' && exposure === UNSEEN_EXPOSURE;
    const unseenOut = outcomes.escaped.filter(isUnseen);
    const unseenStops = stops.filter(isUnseen);
    return {
      starting: !this.#ready && now.monotonic - this.#started.monotonic < STARTING_MS,
      blindness,
      blockMode: this.#blockMode,
      passOpen: this.#isPassOpen(now),
      goesDirect: isOpenProfile(this.#policy),
      tunnelsConfigured: tunnels.length,
      tunnelsUp: tunnels.filter(({ state }) => isAlive(state)).length,
      tunnelsHeard: tunnels.filter(({ state }) => state === 'up').length,
      tunnelsTrying: tunnels.filter(({ state }) => state === 'trying').length,
      breaches: outcomes.breach.length,
      redEscapes: outcomes.escaped.length,
      shown: outcomes.shown.length,
      followed: warnings.filter(({ severity }) => severity === 'red').length,
      warnings: warnings.filter(({ severity }) => severity === 'amber').length,
      redBlocked: redStops.length,
      amberBlocked: stops.length - redStops.length,
      amberEscapes: outcomes.minor.length,
      unseenEscapes: unseenOut.length,
      unseenEscaped: unseenOut.reduce((sum, { escaped }) => sum + escaped, 0),
      unseenStops: unseenStops.length,
      unseenBlocked: unseenStops.reduce((sum, { blocked }) => sum + blocked, 0),
      escapedBefore: all.some(({ acknowledged, escaped }) => acknowledged && escaped > 0),
      unplugged: this.#unplugged,
      oldLists: tunnels.flatMap(({ name, listed, listIsOld }) =>
        listIsOld === true && listed !== undefined ? [{ name, listed }] : [],
      ),
    };
  }

  /** Frames by kind, without the leaks that the box itself forged. */
  #kinds(): Readonly<Record<string, number>> {
    const kinds = { ...this.#sums?.kinds };
    for (const [counter, frames] of this.canary?.counted ?? []) {
      const kind = counterOf(counter)?.kind;
      if (kind !== undefined) kinds[kind] = Math.max(0, (kinds[kind] ?? 0) - frames);
    }
    return kinds;
  }

  /** Why the state cannot be trusted; only the first reason is shown. */
  #blindness(now: Now): string[] {
    const reasons: string[] = [];
    for (const port of ['lan', 'wan'] as const) {
      const tap = this.#taps[port];
      if (tap.state !== 'up') reasons.push(`the tap on ${tap.interface} is not reading (${tap.detail})`);
      else if (now.monotonic - tap.heardAt > SILENT_MS)
        reasons.push(`the tap on ${tap.interface} has stopped reporting`);
    }
    if (!this.#firewall.verified)
      reasons.push(`the firewall rules are not verified (${this.#firewall.detail})`);
    const age = this.#readingAt === undefined ? Infinity : now.monotonic - this.#readingAt.monotonic;
    if (age > READING_MS) reasons.push('the kernel counters cannot be read');
    reasons.push(...[...this.#doubts.values()].flat());
    if (this.#surplus !== undefined && now.monotonic < this.#surplus.until) reasons.push(this.#surplus.text);
    // After the reasons that may have caused it. A missing proof counts in a flood too: the kernel counts what the tap could not read,
    // but that does not show that the box would see a leak.
    const unproven = this.canary?.fault(now.monotonic);
    if (unproven !== undefined) reasons.push(unproven);
    return reasons;
  }

  #proof({ monotonic, wall }: Now): HealthView['proof'] {
    if (this.canary === undefined) return undefined;
    const { provenAt } = this.canary;
    const proven =
      this.#unplugged.length === 0 ? PROVEN : `nothing is plugged into ${this.#unplugged.join(' and ')}`;
    const at =
      provenAt === undefined
        ? null
        : new Date(this.#shownTime(wall - Math.round(monotonic - provenAt))).toISOString();
    return { at, detail: this.canary.fault(monotonic) ?? proven };
  }

  /** The wall-clock time of a past event as privacy allows it: `minimal` shows only the hour. Not for the end of an open pass, which lies ahead. */
  #shownTime(wall: number): number {
    return this.#book.redaction.time(wall);
  }

  #health(now: Now): HealthView {
    const isoOrNull = (wall: number | undefined): string | null =>
      wall === undefined ? null : new Date(this.#shownTime(wall)).toISOString();
    return {
      taps: [this.#taps.lan.view(), this.#taps.wan.view()],
      ruleset: { ...this.#firewall, at: isoOrNull(this.#verifiedAt) },
      counters: { readable: this.#readingAt !== undefined, at: isoOrNull(this.#readingAt?.wall) },
      proof: this.#proof(now),
      warnings: this.#warnings,
      limits: {
        incidentsFolded: this.#book.folded,
        observationsFolded: this.#foldedObservations,
        answersForgotten: this.observer.forgotten,
      },
    };
  }
}

/** Incidents by what became of them. */
type ByOutcome = Readonly<Record<Outcome, readonly Incident[]>>;

function byOutcome(incidents: readonly Incident[]): ByOutcome {
  const found = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, []])) as unknown as Record<
    Outcome,
    Incident[]
  >;
  for (const incident of incidents) found[outcomeOf(incident)].push(incident);
  return found;
}

function counted(outcomes: ByOutcome): Status['open'] {
  const counts = OUTCOMES.map((outcome) => [outcome, outcomes[outcome].length] as const);
  return Object.fromEntries(counts) as Status['open'];
}
