// Turns the observations of both taps into incidents and relates those that belong together (README.md, rules D and T): a visit to
// the question that Eve has read, an escape to the network attack that led to it.

import { AllowedTraffic } from './history/allowed.ts';
import { ParsedPacket } from '../flow/parsed-packet.ts';
import { isGroup, parseMac } from '../wire/ip/address.ts';
import type { Policy } from '../policy/policy.ts';
import type { Verdict } from '../policy/verdict.ts';
import { Correlation } from './answers/correlation.ts';
import type { Exposure, Visit } from './answers/correlation.ts';
import type { Incident, IncidentBook } from './incidents/incidents.ts';
import type { Now } from './now.ts';
import { AttackWarnings } from './attacks/network-attacks.ts';
import type { NetworkAttack } from './attacks/network-attacks.ts';
import type { Lesson, Observation } from './observation.ts';
import { Meshes } from './tunnels/meshes.ts';
import { ownName } from './incidents/occasions.ts';
import { Proposals } from './tunnels/proposals.ts';
import { Regulars } from './incidents/quotas.ts';
import { Tripwire } from './attacks/tripwire.ts';
import type { KnownServers } from './attacks/tripwire.ts';
import type { TunnelWatch } from './tunnels/tunnel-watch.ts';

/** The longest time between an answer on the wire and its arrival here, milliseconds. */
const KNOWN_MS = 1_000;
/** Most names that an incident lists as candidates. */
const CANDIDATES = 16;

/**
 * Takes what the taps report, frame by frame; what it concludes is in the book and in the fields below. Moments are monotonic milliseconds.
 */
export class Observer {
  readonly #book: IncidentBook;
  readonly #tunnels: TunnelWatch;
  readonly #correlation: Correlation;
  readonly #tripwire = new Tripwire();
  /** Tunnels that a client was seen to begin and the policy does not have. */
  readonly proposals = new Proposals();
  /** Mesh VPNs that clients were seen to use. */
  readonly meshes = new Meshes();
  /** Traffic that went outside the tunnel because the profile allows it. */
  readonly allowed = new AllowedTraffic();
  /** Ids of the incidents of network attacks, by where they draw traffic. */
  readonly #pulls = new AttackWarnings<string>();
  /** The client that spoke last: what the network sends to everyone, or to an address that no client has, is put down to it. */
  #client: number | undefined;
  /** Clients that have spoken on lan: the network may send to any address it makes up. */
  readonly #clients = new Regulars<number>();

  constructor(policy: Policy, book: IncidentBook, tunnels: TunnelWatch) {
    this.#book = book;
    this.#tunnels = tunnels;
    this.#correlation = new Correlation(policy, undefined, (name) => book.redaction.name(name));
    this.#tripwire.setPolicy(policy);
  }

  /** Judges names and servers by this policy from now on. */
  setPolicy(policy: Policy): void {
    this.#correlation.setPolicy(policy);
    this.#tripwire.setPolicy(policy);
  }

  /** Call when the wan link or its tap went down: what comes next may be another network. */
  wanLost(): void {
    this.#tripwire.reset();
  }

  /**
   * Takes one observation of a tap; `breach`: it crossed although the rules in force should have stopped it. Returns the incidents that
   * changed, folded ones included.
   */
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
      // Only the wan tap sees what really left.
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
    // Frames that were stopped visited nobody: they must not add candidates to an incident whose earlier frames left.
    const addsNames = port === 'wan' || incident.escaped === 0;
    if (visit !== undefined) for (const other of this.#join(incident, visit, addsNames)) changed.add(other);
    if (port === 'lan') return [...changed];
    this.#tunnels.escaped(incident, judged, now);
    for (const other of this.#blame(judged, incident, now)) changed.add(other);
    return [...changed];
  }

  /**
   * Takes connections that left without showing a name: visits to the address, by the names it was an answer for when they began. Returns
   * the incidents that changed.
   */
  nameless(observation: Observation, now: Now): readonly Incident[] {
    const age = now.monotonic - observation.first;
    const visit = this.#correlation.visit(observation, now.monotonic - Math.max(0, age - KNOWN_MS));
    const judged = visit === undefined ? observation : { ...observation, verdict: visit.verdict };
    if (judged.verdict.verdict !== 'leak') return [];
    const changed = this.#book.visited(judged, { ...now, wall: now.wall - age });
    const to = changed.at(-1);
    return to === undefined || visit === undefined ? changed : [...changed, ...this.#join(to, visit, true)];
  }

  /** Addresses that the tunnels' host names resolved to, to be kept for the next process; the same object until it changes. */
  get knownServers(): KnownServers {
    return this.#tripwire.knownServers;
  }

  /** Restores what `knownServers` of an earlier process returned. */
  recallServers(known: KnownServers): void {
    this.#tripwire.recall(known);
  }

  /** Takes what DNS answers revealed: addresses of protected names, and protected names shown in the clear. Returns the incidents. */
  served(lessons: readonly Lesson[], now: Now): Incident[] {
    return lessons.flatMap(({ client, closed, shown }) => {
      this.#correlation.served(client, closed, now.monotonic);
      return shown.map((name) => this.#book.recordShownName(shownIn(client, name, now.monotonic), now));
    });
  }

  /** Addresses that the kernel and the taps must watch from now on; each is returned once. */
  takeExposures(): readonly Exposure[] {
    return this.#correlation.takeExposures();
  }

  /** How many questions and answers were dropped because there were too many. */
  get forgotten(): number {
    return this.#correlation.forgotten;
  }

  #join(incident: Incident, { candidates, questions }: Visit, addsNames: boolean): Incident[] {
    const names = addsNames ? candidates.map((name) => this.#book.redaction.name(name)) : [];
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

  /** An escape to a place that a network attack draws traffic to makes that attack's warning red. */
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

/** Whether a visit counts for the incident's name: a frame reported under the name of the page a visitor comes from visits another. */
function isToItsName({ packet, verdict, folded }: Observation): boolean {
  const own = ownName(packet);
  return folded || own === '' || own === verdict.exposure;
}

/** The observation that stands for a protected name in an answer: a leak of its own, rule B. */
function shownIn(client: string, { name, asked }: Lesson['shown'][number], at: number): Observation {
  const packet = new ParsedPacket();
  packet.kind = 'dns';
  const verdict: Verdict = {
    verdict: 'leak',
    rule: 'B',
    severity: 'red',
    exposure: name,
    destination: '',
    reason: `the answer to the question for ${asked} shows the protected name ${name} in the clear, outside the tunnel`,
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
