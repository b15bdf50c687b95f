// Turns leaks of a capture into incidents: one per client, kind, rule and exposure. A response belongs to the client that asked.

import type { IncidentView } from '../api/status.ts';
import { addressText, macText } from '../wire/ip/address.ts';
import { kindOfHeaders } from '../flow/headers/classify.ts';
import type { ParsedPacket } from '../flow/parsed-packet.ts';
import type { Kind } from '../flow/kinds.ts';
import type { Rule, Severity, Verdict } from '../policy/verdict.ts';
import type { Redaction } from '../guard/history/privacy.ts';
import { TextTable } from '../guard/history/text-table.ts';
import type { NetworkAttack } from '../guard/attacks/network-attacks.ts';

/** An incident as the API has it, without acknowledgement and breach: in a capture nothing is stopped, so every attempt escaped. */
export type AnalysedIncident = Omit<IncidentView, 'acknowledged' | 'breach'>;

interface Incident {
  readonly id: number;
  rule: Rule;
  kind: Kind;
  severity: Severity;
  readonly client: number;
  /** Indices into a TextTable: many long-lived strings would burden the garbage collector. */
  exposure: number;
  readonly destination: number;
  why: number;
  named: boolean;
  /** Only responses were seen, and nothing from the client. */
  isAnswerOnly: boolean;
  escaped: number;
  first: number;
  last: number;
  /** Another incident with the same exposure. */
  next: Incident | undefined;
}

/** An incident of rule T; a later escape may make it red. */
export interface Warning {
  severity: Severity;
}

/** The first frames of a connection show only an address; a name that follows within this time is theirs. Microseconds. */
const ADOPT_WITHIN = 10_000_000;

/** The incidents of a capture, at most `limit`. Counts are frames, times microseconds since 1970. */
export class IncidentList {
  readonly #limit: number;
  readonly #incidents = new Set<Incident>();
  /** The first incident of each exposure, by the index of its text; few share one. */
  readonly #exposures = new TextTable();
  readonly #firsts: (Incident | undefined)[] = [];
  /** Texts of destinations and reasons. */
  readonly #texts = new TextTable();
  #begun = 0;
  /** Leak frames of no known incident, when there was no room for another. */
  dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many have begun, including those that proved to be part of another. */
  get begun(): number {
    return this.#begun;
  }

  /**
   * Counts one leak frame. `isSent`: the client of the capture sent it, so it is not a response. A response to a frame that was seen is
   * not another escape; where that frame was not seen, the response counts in its place. `reason` is called only when an incident
   * begins or gets its name. A capture shows one wire: everything in it has escaped.
   */
  add(
    packet: ParsedPacket,
    verdict: Verdict,
    isSent: boolean,
    timeMicros: number,
    reason: () => string,
  ): void {
    const back = !isSent && packet.fromServer;
    const client = back ? packet.destinationMac : packet.sourceMac;
    const asked = packet.findings.names[0]?.name;
    const name = asked ?? packet.flowName;
    const place = back ? senderOf(packet) : verdict.destination;
    const exposure = name !== '' ? name : back ? place : verdict.exposure;
    const rule = verdict.rule ?? 'E';
    let incident = this.#find(exposure, client, packet.kind, rule);
    if (name !== '' && (incident === undefined || asked !== undefined)) {
      const unnamed = this.#bare(place, client, packet, rule, timeMicros);
      if (unnamed !== undefined && incident === undefined) {
        this.#name(unnamed, name, packet.kind, verdict, reason());
        incident = unnamed;
      } else if (unnamed !== undefined && incident !== undefined) this.#join(unnamed, incident);
    }
    if (incident === undefined) {
      incident = this.#begin(rule, packet.kind, client, exposure, place, reason, timeMicros);
      if (incident === undefined) return;
      incident.severity = verdict.severity ?? 'red';
      incident.named = name !== '';
      incident.isAnswerOnly = back;
    }
    if (packet.findings.late === true) incident.why = this.#texts.add(reason(), 0);
    if (!back && incident.isAnswerOnly) [incident.isAnswerOnly, incident.escaped] = [false, 0];
    if (!back || incident.isAnswerOnly) incident.escaped += 1;
    if (timeMicros > incident.last) incident.last = timeMicros;
  }

  /** Files a network attack (rule T); undefined when there is no room. `client`: MAC address as a number. */
  warn(
    packet: ParsedPacket,
    networkAttack: NetworkAttack,
    client: number,
    timeMicros: number,
  ): Warning | undefined {
    const exposure = networkAttack.variant ?? networkAttack.exposure;
    const { destination, why } = networkAttack;
    const incident =
      this.#find(exposure, client, packet.kind, 'T') ??
      this.#begin('T', packet.kind, client, exposure, destination, () => why, timeMicros);
    if (incident === undefined) return undefined;
    incident.escaped += 1;
    if (timeMicros > incident.last) incident.last = timeMicros;
    return incident;
  }

  /** A new incident, amber at first; undefined when there is no room for it. */
  #begin(
    rule: Rule,
    kind: Kind,
    client: number,
    exposure: string,
    destination: string,
    reason: () => string,
    at: number,
  ): Incident | undefined {
    if (this.#incidents.size >= this.#limit || this.#texts.size >= 8 * this.#limit) {
      this.dropped += 1;
      return undefined;
    }
    this.#begun += 1;
    const incident: Incident = {
      id: this.#begun,
      rule,
      kind,
      severity: 'amber',
      client,
      exposure: this.#exposures.add(exposure, 0),
      destination: this.#texts.add(destination, 0),
      why: this.#texts.add(reason(), 0),
      named: true,
      isAnswerOnly: false,
      escaped: 0,
      first: at,
      last: at,
      next: undefined,
    };
    this.#incidents.add(incident);
    this.#file(incident);
    return incident;
  }

  #first(exposure: string): Incident | undefined {
    const number = this.#exposures.find(exposure, 0);
    return number < 0 ? undefined : this.#firsts[number];
  }

  #find(exposure: string, client: number, kind: Kind, rule: Rule): Incident | undefined {
    let incident = this.#first(exposure);
    while (incident !== undefined) {
      if (incident.kind === kind && incident.rule === rule && incident.client === client) return incident;
      incident = incident.next;
    }
    return undefined;
  }

  #file(incident: Incident): void {
    const number = incident.exposure;
    incident.next = this.#firsts[number];
    this.#firsts[number] = incident;
  }

  #unfile(incident: Incident): void {
    const number = incident.exposure;
    if (this.#firsts[number] === incident) {
      this.#firsts[number] = incident.next;
      return;
    }
    let before = this.#firsts[number];
    while (before !== undefined && before.next !== incident) before = before.next;
    if (before !== undefined) before.next = incident.next;
  }

  /** The incident of a connection's frames before it showed its name; their kind may still be the one of the port. */
  #bare(place: string, client: number, packet: ParsedPacket, rule: Rule, now: number): Incident | undefined {
    if (this.#first(place) === undefined) return undefined;
    const unnamed =
      this.#find(place, client, packet.kind, rule) ?? this.#find(place, client, kindOfHeaders(packet), 'E');
    return unnamed === undefined || unnamed.named || now - unnamed.last > ADOPT_WITHIN ? undefined : unnamed;
  }

  /** Gives an incident that had only an address the name, kind and rule that the connection has shown. */
  #name(unnamed: Incident, name: string, kind: Kind, verdict: Verdict, why: string): void {
    this.#unfile(unnamed);
    unnamed.exposure = this.#exposures.add(name, 0);
    unnamed.named = true;
    unnamed.kind = kind;
    unnamed.rule = verdict.rule ?? 'E';
    // The worse severity of the two: a later name does not undo the first frames.
    if (unnamed.severity !== 'red') unnamed.severity = verdict.severity ?? 'red';
    unnamed.why = this.#texts.add(why, 0);
    this.#file(unnamed);
  }

  /** Another connection to the same name: its first frames are added to the incident of that name. */
  #join(unnamed: Incident, incident: Incident): void {
    this.#unfile(unnamed);
    this.#incidents.delete(unnamed);
    if (unnamed.severity === 'red') incident.severity = 'red';
    if (!unnamed.isAnswerOnly && incident.isAnswerOnly)
      [incident.isAnswerOnly, incident.escaped] = [false, 0];
    if (unnamed.isAnswerOnly === incident.isAnswerOnly) incident.escaped += unnamed.escaped;
    incident.first = Math.min(incident.first, unnamed.first);
    incident.last = Math.max(incident.last, unnamed.last);
  }

  /** The incidents in the order in which they began, redacted; times become ISO 8601 in UTC. */
  *list(redaction: Redaction): Generator<AnalysedIncident> {
    const times = new Times(redaction);
    let [mac, client] = [-1, ''];
    for (const incident of this.#incidents) {
      if (incident.client !== mac) [mac, client] = [incident.client, macText(incident.client)];
      const { rule, kind, severity, escaped } = incident;
      const redacted = redaction.incident(kind, rule, {
        client,
        exposure: this.#exposures.text(incident.exposure),
        destination: this.#texts.text(incident.destination),
        why: this.#texts.text(incident.why),
      });
      yield {
        id: incidentId(incident.id),
        rule,
        kind,
        severity,
        client: redacted.client,
        exposure: redacted.exposure,
        destination: redacted.destination,
        attempted: 0,
        escaped,
        blocked: 0,
        first: times.text(incident.first),
        last: times.text(incident.last),
        why: redacted.why,
      };
    }
  }
}

/** ISO 8601 texts of times that are mostly in order: the text of the second is reused. */
class Times {
  readonly #redaction: Redaction;
  #second = Number.NaN;
  #prefix = '';

  constructor(redaction: Redaction) {
    this.#redaction = redaction;
  }

  /** Times outside the range of Date come from damaged captures and are shown as 1970. */
  text(micros: number): string {
    const wall = this.#redaction.time(Math.floor(micros / 1000));
    const second = Math.floor(wall / 1000);
    if (second !== this.#second) {
      const date = new Date(second * 1000);
      if (Number.isNaN(date.getTime())) return new Date(0).toISOString();
      this.#second = second;
      this.#prefix = date.toISOString().slice(0, -4);
    }
    return `${this.#prefix}${String(wall - second * 1000).padStart(3, '0')}Z`;
  }
}

/** The id of an incident by the order in which it began, from 1: `a1`. */
export function incidentId(ordinal: number): string {
  return `a${ordinal}`;
}

/** The sender of a response, which is where the question went. */
function senderOf(packet: ParsedPacket): string {
  return packet.ipVersion === 0 ? macText(packet.sourceMac) : addressText(packet.ipVersion, packet.source);
}
