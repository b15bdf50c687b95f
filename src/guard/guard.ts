// Knows: everything that was reported, and what it means together. Must not know: sockets, processes, disk, the kernel.
// Follows README.md, What it guarantees: what is shown is what was seen on the wire; state unknown is `blind`, never `clear`.

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
import type { Leads } from './answers/first-packets.ts';
import type { Gap } from './tunnels/gaps.ts';
import { viewOf } from './incidents/incident-view.ts';
import { IncidentBook, UNSEEN_EXPOSURE } from './incidents/incidents.ts';
import type { Incident } from './incidents/incidents.ts';
import type { Now } from './now.ts';
import type { Observation, TapReport } from './observation.ts';
import { shown, shownGap } from './history/past.ts';
import { Observer } from './observer.ts';
import { RulesInForce } from './account/rules-in-force.ts';
import { judgeSituation } from './state.ts';
import type { Situation } from './state.ts';
import type { AllowedView, HealthView, IncidentView, Status, TapHealth, TunnelView } from '../api/status.ts';
import { TapRecord } from './tap-record.ts';
import { TunnelWatch } from './tunnels/tunnel-watch.ts';

/** Time after start in which nothing is called blind yet, milliseconds. */
const STARTING_MS = 5_000;
/** Rows of what the profile lets go direct that a status tells. */
const ALLOWED_TOLD = 20;
const PROVEN = 'a forged leak was seen, counted and held';
/** A kernel reading older than this is no knowledge any more, milliseconds. */
const READING_MS = 3_000;
/** For so long after a tap had seen what the kernel had not counted, nothing of either is believed, milliseconds. */
const SURPLUS_MS = 10_000;
/** So long after the bridge is whole again a comparison may still be of the time before. Milliseconds. */
const PARTED_MS = 3_000;
/** A tap reports five times a second, also under flood: one that says nothing for so long does not read, milliseconds. */
const SILENT_MS = 1_500;

export interface GuardPorts {
  readonly now: () => Now;
  readonly version: string;
  /** Begins every incident id, so that ids stay unique over restarts. */
  readonly idPrefix: string;
  /** What it proves its own sight with; without, nothing is asked of it. */
  readonly canary?: CanaryMeans;
  /** What the names of tunnels' servers lead to; without, no first packet is told from a leak. */
  readonly leads?: Leads;
}

export interface FirewallState extends Partial<Pick<HealthView['ruleset'], 'shape' | 'unproven'>> {
  readonly verified: boolean;
  readonly detail: string;
}

export class Guard {
  readonly #ports: GuardPorts;
  readonly #started: Now;
  readonly #taps: Readonly<Record<'lan' | 'wan', TapRecord>>;
  readonly #book: IncidentBook;
  readonly #balance: Balance;
  /** Undefined where nothing has to be proven. */
  readonly canary: Canary | undefined;
  readonly #mode = new ModeTimes();
  /** What becomes of observations; it also holds what was learned from them. */
  readonly observer: Observer;
  readonly #tunnels = new TunnelWatch();
  #policy: Policy;
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
  /** By topic, what else keeps the box from vouching for anything. */
  readonly #doubts = new Map<string, readonly string[]>();
  /** Until then a port may have been out of the bridge: what came there has met no rule, and was counted by none. */
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
      // A tap that has lost frames may have lost others.
      this.#taps.lan.readsSince < from ? first?.unlooked(counter, from, to) : undefined,
    );
    this.observer = new Observer(policy, this.#book, this.#tunnels);
    this.#taps = {
      lan: new TapRecord('lan', policy.bridge.lan),
      wan: new TapRecord('wan', policy.bridge.wan),
    };
    this.setPolicy(policy);
  }

  /** The kernel is about to be given a policy. */
  expectPolicy(policy: Policy, learned: LearnedState): void {
    this.#rules.expect(policy, learned, this.#ports.now().monotonic);
  }

  /** The kernel has it, and the taps judge by it from these orders on. */
  ordered(orders: number): void {
    this.#rules.ordered(orders, this.#ports.now().monotonic);
    this.change(orders);
  }

  /** The kernel has refused it. */
  callOff(): void {
    this.#rules.callOff();
  }

  /** The taps judge by what was learned, or is over, from these orders on. */
  learned(learned: LearnedState, orders: number): void {
    this.#rules.learned(learned, orders, this.#ports.now().monotonic);
    this.change(orders);
  }

  setPolicy(policy: Policy): void {
    // What was seen under another privacy was seen with more detail, or with less.
    if (policy.privacy !== this.#policy.privacy) this.#passStops.clear();
    this.#policy = policy;
    this.observer.setPolicy(policy);
    this.#firstPackets?.setPolicy(policy);
    this.#tunnels.setPolicy(policy);
    this.#sums = undefined;
  }

  /** Takes a tap's report; returns the incidents that changed. */
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
    if (report.port === 'wan') this.#tunnels.answered(report.handshakes, now);
    for (const incident of this.observer.served(report.lessons ?? [], now)) changed.add(incident);
    for (const observation of report.observations) {
      if (passOpen && this.#enforcingSince !== undefined) this.#passStops.take(observation, this.#book.veil);
      const told =
        this.#firstPackets === undefined
          ? observation
          : this.#firstPackets.take(report.port, observation, now.monotonic);
      if (told === undefined) continue;
      for (const incident of this.#observe(report.port, told, now)) changed.add(incident);
    }
    for (const one of report.nameless ?? [])
      for (const incident of this.observer.nameless(one, now)) changed.add(incident);
    this.#rules.heard(report);
    return [...changed];
  }

  #observe(port: 'lan' | 'wan', observation: Observation, now: Now): Incident[] {
    const since = this.#enforcingSince ?? Infinity;
    const isAgainst = port === 'wan' && observation.first > since + SKEW_MS && !observation.crosses;
    const letOut = isAgainst ? this.#rules.thatLetOut(observation, now.monotonic) : undefined;
    if (letOut?.isLeak === false) {
      this.#book.letOut(observation, now);
      return [];
    }
    return this.observer.take(port, observation, now, isAgainst && letOut === undefined);
  }

  /** Takes the kernel's counters, read at some moment between the two (monotonic milliseconds). */
  reading(begun: number, ended: number, values: CounterValues): void {
    const now = this.#ports.now();
    const sums = sumCounters(values, this.#policy.tunnels.length);
    this.#sums = sums;
    this.#readingAt = now;
    // What may hold half of a forged leak is compared by the next reading.
    if (this.canary?.tears(begun) !== true) this.#balance.reading(begun, ended, values);
    this.canary?.read(begun, values);
    this.#tunnels.read(sums, now);
    if (this.#blindness(now).length === 0) this.#ready = true;
  }

  /** Both taps have read past the newest reading of the counters: a frame that comes now is in the next one alone. */
  get isPastReading(): boolean {
    return this.#balance.isPast;
  }

  /** Counting goes on from what an earlier process had accounted for. */
  resume(values: CounterValues): void {
    this.#balance.resume(values);
  }

  /** What the incidents hold, in terms of the kernel's counters: to be kept with them. */
  get accounted(): Accounted | undefined {
    return this.#balance.accounted;
  }

  /** Rules or judge are being changed; `orders` are the newest that the taps were given. */
  change(orders: number): void {
    this.#balance.change(orders);
    this.canary?.change();
  }

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

  /** Says what the kernel does since monotonic `appliedAt`: call it when the ruleset has been read back. */
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

  /** The end of an open pass, wall clock; undefined when none is open. */
  setPass(until: number | undefined): void {
    if (this.#passUntil === undefined || until === undefined) this.#passStops.clear();
    this.#passUntil = until;
  }

  #isPassOpen(now: Now): boolean {
    return this.#passUntil !== undefined && this.#passUntil > now.wall;
  }

  setWarnings(warnings: readonly string[]): void {
    this.#warnings = warnings;
  }

  /** Why the box cannot vouch for what it says, besides taps, rules and counters; none ends it. */
  doubt(topic: string, reasons: readonly string[]): void {
    this.#doubts.set(topic, reasons);
  }

  /** The bridge is not whole, for these reasons, or is again. */
  bridge(faults: readonly string[]): void {
    this.doubt(
      'bridge',
      faults.map((fault) => `the bridge is not whole (${fault})`),
    );
    if (faults.length > 0) this.#partedUntil = Infinity;
    else if (this.#partedUntil === Infinity) this.#partedUntil = this.#ports.now().monotonic + PARTED_MS;
  }

  /** Ports without a cable, by interface: what nobody sends needs no proof that it would be held, and is not called well either. */
  unplugged(ports: readonly string[]): void {
    this.canary?.withhold(ports.length > 0, this.#ports.now().monotonic);
    if (ports.length > 0 || this.canary?.isWithheld !== true) this.#unplugged = ports;
  }

  /** The incidents themselves, for whoever keeps them. */
  get book(): IncidentBook {
    return this.#book;
  }

  /** Leak frames that no tap looked at, since start. */
  get unseen(): number {
    return this.#book.unlooked;
  }

  /** The rules were found as they should be. */
  get verified(): boolean {
    return this.#firewall.verified;
  }

  get blockMode(): boolean {
    return this.#blockMode;
  }

  /** Settles what is due; call it ten times a second or so. Returns the incidents that changed. */
  tick(): Incident[] {
    const now = this.#ports.now();
    const held = this.#firstPackets?.due(now.monotonic) ?? [];
    const told = held.flatMap(({ port, observation }) => this.#observe(port, observation, now));
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
      const text = `the tap on ${name} has seen ${String(frames)} frames that the kernel did not count (${counter})`;
      this.#surplus = { text, until: now.monotonic + SURPLUS_MS };
    }
    return [...new Set([...told, ...settled, ...changed])];
  }

  /** Host names of endpoints whose tunnel is alive. */
  tunnelNamesInUse(): Set<string> {
    return this.#tunnels.namesInUse(this.#ports.now().monotonic);
  }

  /** Endpoints of the policy whose servers have answered, the newest last. */
  tunnelEndpointsInUse(): readonly string[] {
    return this.#tunnels.endpointsInUse();
  }

  /** A tunnel that was silent has come up after monotonic `since`. */
  tunnelCameUpSince(since: number): boolean {
    return this.#tunnels.cameUpSince(since);
  }

  /** Silences of tunnels in which something escaped or nothing was answered; privacy `minimal` keeps no such times. */
  gaps(): readonly Gap[] {
    if (this.#policy.privacy === 'minimal') return [];
    const { veil } = this.#book;
    return this.#tunnels.gaps(this.#ports.now().monotonic).map((gap) => shownGap(gap, veil));
  }

  /** What the profile let go past the tunnel, newest first; undefined where it lets nothing, and has let nothing. */
  allowed(most = ALLOWED_MOST): AllowedView | undefined {
    const view = this.observer.allowed.view(this.#book.veil, this.#started.wall, most);
    return view.frames > 0 || isOpenProfile(this.#policy) ? view : undefined;
  }

  acknowledge(id: string): boolean {
    return this.#book.acknowledge(id);
  }

  incident(id: string): IncidentView | undefined {
    const incident = this.#book.get(id);
    return incident === undefined ? undefined : this.view(incident);
  }

  /** Newest first. */
  incidents(): IncidentView[] {
    return this.#book.all().map((incident) => this.view(incident));
  }

  /** An incident as the privacy in force shows it, also one from before it came into force. */
  view(incident: Incident): IncidentView {
    return shown({ incident: viewOf(incident), privacy: incident.privacy }, this.#book.veil);
  }

  status(): Status {
    const now = this.#ports.now();
    const all = this.#book.all();
    const open = all.filter((incident) => !incident.acknowledged);
    const tunnels = this.#tunnels.views(now, (wall) => this.#shownTime(wall));
    const { state, lamp, why } = judgeSituation(this.#situation(now, open, tunnels));
    if (`${state} ${why}` !== this.#lastState) {
      if (this.#lastState?.split(' ')[0] !== state) this.#since = now.wall;
      this.#lastState = `${state} ${why}`;
    }
    const meshes = this.observer.meshes.list(this.#policy);
    const allowed = this.allowed(ALLOWED_TOLD);
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

  #situation(now: Now, open: readonly Incident[], tunnels: readonly TunnelView[]): Situation {
    const blindness = this.#blindness(now);
    const allRed = open.filter((incident) => incident.severity === 'red');
    const unseen = allRed.filter(({ exposure }) => exposure === UNSEEN_EXPOSURE);
    const red = allRed.filter(({ exposure }) => exposure !== UNSEEN_EXPOSURE);
    return {
      starting: !this.#ready && now.monotonic - this.#started.monotonic < STARTING_MS,
      blindness,
      blockMode: this.#blockMode,
      passOpen: this.#isPassOpen(now),
      goesDirect: isOpenProfile(this.#policy),
      tunnelsConfigured: tunnels.length,
      tunnelsUp: tunnels.filter((tunnel) => tunnel.state === 'up').length,
      breaches: open.filter((incident) => incident.breach).length,
      redEscapes: red.filter(({ escaped, trick }) => escaped > 0 || trick !== undefined).length,
      warnings: open.filter(({ severity, rule }) => severity === 'amber' && rule === 'T').length,
      redBlocked: red.filter((incident) => incident.blocked > 0).length,
      amberEscapes: open.filter((i) => i.severity === 'amber' && i.escaped > 0).length,
      unseenEscaped: unseen.reduce((sum, { escaped }) => sum + escaped, 0),
      unseenBlocked: unseen.reduce((sum, { blocked }) => sum + blocked, 0),
      unplugged: this.#unplugged,
      oldLists: tunnels.flatMap(({ name, listed, listIsOld }) =>
        listIsOld === true && listed !== undefined ? [{ name, listed }] : [],
      ),
    };
  }

  /** Frames by kind, without those that the box has forged. */
  #kinds(): Readonly<Record<string, number>> {
    const kinds = { ...this.#sums?.kinds };
    for (const [counter, frames] of this.canary?.counted ?? []) {
      const kind = counterOf(counter)?.kind;
      if (kind !== undefined) kinds[kind] = Math.max(0, (kinds[kind] ?? 0) - frames);
    }
    return kinds;
  }

  /** The first is told. */
  #blindness(now: Now): string[] {
    const reasons: string[] = [];
    for (const port of ['lan', 'wan'] as const) {
      const tap = this.#taps[port];
      if (tap.state !== 'up') reasons.push(`the tap on ${tap.interface} is not reading (${tap.detail})`);
      else if (now.monotonic - tap.heardAt > SILENT_MS)
        reasons.push(`the tap on ${tap.interface} says nothing`);
    }
    if (!this.#firewall.verified)
      reasons.push(`the firewall rules are not verified (${this.#firewall.detail})`);
    const age = this.#readingAt === undefined ? Infinity : now.monotonic - this.#readingAt.monotonic;
    if (age > READING_MS) reasons.push('the kernel counters cannot be read');
    reasons.push(...[...this.#doubts.values()].flat());
    if (this.#surplus !== undefined && now.monotonic < this.#surplus.until) reasons.push(this.#surplus.text);
    // Behind what may be its cause. Also under a flood: what it keeps a tap from reading is counted, and says nothing of what the box would see.
    const unproven = this.canary?.fault(now.monotonic);
    if (unproven !== undefined) reasons.push(unproven);
    return reasons;
  }

  #proof({ monotonic, wall }: Now): HealthView['proof'] {
    if (this.canary === undefined) return undefined;
    const { provenAt } = this.canary;
    const proven =
      this.#unplugged.length === 0 ? PROVEN : `nothing is plugged in at ${this.#unplugged.join(' and ')}`;
    const at =
      provenAt === undefined
        ? null
        : new Date(this.#shownTime(wall - Math.round(monotonic - provenAt))).toISOString();
    return { at, detail: this.canary.fault(monotonic) ?? proven };
  }

  /** Wall clock of something that was; `minimal` tells the hour. The end of an open pass is to come, and is told as it is. */
  #shownTime(wall: number): number {
    return this.#book.veil.time(wall);
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
