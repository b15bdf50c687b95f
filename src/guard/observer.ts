// Knows: how observations of both taps become incidents, and which of them tell one story. Must not know: states, kernel, clocks.
// Follows README.md, rules D and T: a visit joins the question that Eve has read, an escape the network attack that led to it.

import { AllowedTraffic } from './history/allowed.ts';
import { ParsedPacket } from '../flow/parsed-packet.ts';
import { isGroup, parseMac } from '../wire/ip/address.ts';
import type { Policy } from '../policy/policy.ts';
import type { Verdict } from '../policy/verdict.ts';
import { Correlation } from './answers/correlation.ts';
import type { Exposure, Visit } from './answers/correlation.ts';
import type { Incident, IncidentBook } from './incidents/incidents.ts';
import type { Now } from './now.ts';
import { Pulls } from './attacks/network-attacks.ts';
import type { NetworkAttack } from './attacks/network-attacks.ts';
import type { Lesson, Observation } from './observation.ts';
import { Meshes } from './tunnels/meshes.ts';
import { ownName } from './incidents/occasions.ts';
import { Proposals } from './tunnels/proposals.ts';
import { Regulars } from './incidents/quotas.ts';
import { Tripwire } from './attacks/tripwire.ts';
import type { KnownServers } from './attacks/tripwire.ts';
import type { TunnelWatch } from './tunnels/tunnel-watch.ts';

/** An answer is known here so long after it came on the wire at most. Milliseconds. */
const KNOWN_MS = 1_000;
/** Names that an incident lists as candidates. */
const CANDIDATES = 16;

export class Observer {
  readonly #book: IncidentBook;
  readonly #tunnels: TunnelWatch;
  readonly #correlation: Correlation;
  readonly #tripwire = new Tripwire();
  /** Tunnels that were seen to begin outside those of the policy. */
  readonly proposals = new Proposals();
  readonly meshes = new Meshes();
  /** What went past the tunnel because the profile lets it. */
  readonly allowed = new AllowedTraffic();
  /** Incidents of network attacks, by their ids. */
  readonly #pulls = new Pulls<string>();
  /** Who said something last: what the network says to everyone, or to nobody who is here, it says to it. */
  #client: number | undefined;
  /** Who is here, by what came in on lan: the network may send to any address it makes up. */
  readonly #clients = new Regulars<number>();

  constructor(policy: Policy, book: IncidentBook, tunnels: TunnelWatch) {
    this.#book = book;
    this.#tunnels = tunnels;
    this.#correlation = new Correlation(policy, undefined, (name) => book.redaction.name(name));
    this.#tripwire.setPolicy(policy);
  }

  setPolicy(policy: Policy): void {
    this.#correlation.setPolicy(policy);
    this.#tripwire.setPolicy(policy);
  }

  /** The wire to the network was cut: what comes next may be another network. */
  wanLost(): void {
    this.#tripwire.reset();
  }

  /** Takes one observation of a tap; `breach` says that it crossed rules that stood. Returns the incidents that changed. */
  take(port: 'lan' | 'wan', observation: Observation, now: Now, breach: boolean): Incident[] {
    const changed = this.#take(port, observation, now, breach);
    const folded = this.#book.takeFolded();
    return folded.length === 0 ? changed : [...new Set([...changed, ...folded])];
  }

  #take(port: 'lan' | 'wan', observation: Observation, now: Now, breach: boolean): Incident[] {
    const shown = { ...now, wall: this.#book.redaction.time(now.wall) };
    this.proposals.observe(observation, shown);
    this.meshes.observe(observation, shown);
    if (observation.direction === 'down') {
      this.#correlation.answered(observation, now.monotonic);
      // Only the wan tap reads what the network says before anything on lan could have said it.
      if (port === 'lan') return [];
      return this.#tripwire
        .see(observation)
        .map((networkAttack) => this.#warn(observation, networkAttack, now));
    }
    if (observation.client !== 0) {
      this.#client = observation.client;
      this.#clients.seen(observation.client, now.monotonic);
    }
    this.#correlation.shown(observation, now.monotonic);
    const visit = this.#correlation.visit(observation, now.monotonic);
    const judged = visit === undefined ? observation : { ...observation, verdict: visit.verdict };
    if (judged.verdict.verdict !== 'leak') {
      if (judged.crosses && !judged.folded) this.#book.harmless(port, judged);
      // What left is read on wan.
      if (port === 'wan' && judged.verdict.direct === true)
        this.allowed.take(judged, now, this.#book.redaction);
      return [];
    }
    const incident =
      port === 'lan'
        ? this.#book.attempt(judged, now)
        : this.#book.escape(isToItsName(judged) ? judged : { ...judged, visits: 0 }, now, breach);
    this.#correlation.asked(judged, incident.id, now.monotonic);
    const changed = new Set([incident]);
    // What was stopped went to none of the names that what had left before may have gone to.
    const isNews = port === 'wan' || incident.escaped === 0;
    if (visit !== undefined) for (const other of this.#join(incident, visit, isNews)) changed.add(other);
    if (port === 'lan') return [...changed];
    this.#tunnels.escaped(incident, judged, now);
    for (const other of this.#blame(judged, incident, now)) changed.add(other);
    return [...changed];
  }

  /** Takes connections that have left and shown no name: visits to the address, as it was known for names when they began. */
  nameless(observation: Observation, now: Now): readonly Incident[] {
    const age = now.monotonic - observation.first;
    const visit = this.#correlation.visit(observation, now.monotonic - Math.max(0, age - KNOWN_MS));
    const judged = visit === undefined ? observation : { ...observation, verdict: visit.verdict };
    if (judged.verdict.verdict !== 'leak') return [];
    const changed = this.#book.visited(judged, { ...now, wall: now.wall - age });
    const to = changed.at(-1);
    return to === undefined || visit === undefined ? changed : [...changed, ...this.#join(to, visit, true)];
  }

  /** What tunnels' names have led to, to be kept for the next process; the same object until it changes. */
  get knownServers(): KnownServers {
    return this.#tripwire.knownServers;
  }

  recallServers(known: KnownServers): void {
    this.#tripwire.recall(known);
  }

  /** What answers have led a client to from protected names, and the names that they have shown on the way. Returns incidents. */
  served(lessons: readonly Lesson[], now: Now): Incident[] {
    return lessons.flatMap(({ client, closed, shown }) => {
      this.#correlation.served(client, closed, now.monotonic);
      return shown.map((one) => this.#book.showed(shownIn(client, one, now.monotonic), now));
    });
  }

  /** Addresses that the kernel and the taps shall watch from now on; each is told once. */
  takeExposures(): readonly Exposure[] {
    return this.#correlation.takeExposures();
  }

  /** Questions and answers that were forgotten because there were too many. */
  get forgotten(): number {
    return this.#correlation.forgotten;
  }

  #join(incident: Incident, { candidates, questions }: Visit, isNews: boolean): Incident[] {
    const names = isNews ? candidates.map((name) => this.#book.redaction.name(name)) : [];
    incident.candidates = [...new Set([...names, ...incident.candidates])].slice(0, CANDIDATES);
    return this.#book.relate(incident, questions);
  }

  #warn(observation: Observation, networkAttack: NetworkAttack, now: Now): Incident {
    const { what, exposure, destination, why } = networkAttack;
    const verdict: Verdict = {
      verdict: 'leak',
      rule: 'T',
      severity: 'amber',
      reason: why,
      exposure,
      destination,
    };
    if (networkAttack.moved !== undefined) this.#tunnels.moved(networkAttack.moved);
    const toAll = isGroup(observation.client);
    const isHere = !toAll && this.#clients.has(observation.client);
    const client = isHere ? observation.client : (this.#client ?? observation.client);
    const notice = { networkAttack: what, variant: networkAttack.variant ?? exposure };
    const incident = this.#book.notice({ ...observation, client, verdict }, now, notice);
    this.#pulls.note(incident.id, incident.id, networkAttack, now.monotonic);
    return incident;
  }

  /** An escape to where the network pulled makes the warning red. */
  #blame({ verdict }: Observation, escape: Incident, now: Now): Incident[] {
    if (escape.severity !== 'red') return [];
    const changed: Incident[] = [];
    for (const incident of this.#pulls.behind(verdict.destination, now.monotonic)) {
      changed.push(...this.#book.relate(escape, [incident]));
      const escalated = this.#book.escalate(incident);
      if (escalated !== undefined) changed.push(escalated);
    }
    return changed;
  }
}

/** A frame that shows another name than it is told under (the page that a visitor comes from) begins no visit to that. */
function isToItsName({ packet, verdict, folded }: Observation): boolean {
  const own = ownName(packet);
  return folded || own === '' || own === verdict.exposure;
}

/** A protected name in an answer, as if somebody had looked at it by itself: rule B. */
function shownIn(client: string, { name, asked }: Lesson['shown'][number], at: number): Observation {
  const packet = new ParsedPacket();
  packet.kind = 'dns';
  const verdict: Verdict = {
    verdict: 'leak',
    rule: 'B',
    severity: 'red',
    exposure: name,
    destination: '',
    reason: `the answer to the question for ${asked} shows ${name} in the clear, which must stay inside the tunnel`,
  };
  return {
    packet,
    verdict,
    direction: 'down',
    crosses: true,
    counter: '',
    client: parseMac(client) ?? 0,
    frames: 1,
    first: at,
    last: at,
    folded: false,
  };
}
