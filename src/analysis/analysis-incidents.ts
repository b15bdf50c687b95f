// Knows: how leaks of a capture become incidents. Must not know: files, the ledger of a live wire.
// One incident per client, kind, rule and exposure. What comes back belongs to who asked.

import type { IncidentView } from '../api/status.ts';
import { addressText, macText } from '../wire/ip/address.ts';
import { kindOfHeaders } from '../flow/headers/classify.ts';
import type { ParsedPacket } from '../flow/parsed-packet.ts';
import type { Kind } from '../flow/kinds.ts';
import type { Rule, Severity, Verdict } from '../policy/verdict.ts';
import type { Redaction } from '../guard/history/privacy.ts';
import { TextTable } from '../guard/history/text-table.ts';
import type { NetworkAttack } from '../guard/attacks/network-attacks.ts';

/** As a box tells one, but that nobody has to acknowledge it; in a capture nothing is stopped, and nothing attempted without it. */
export type AnalysedIncident = Omit<IncidentView, 'acknowledged' | 'breach'>;

interface Incident {
  readonly id: number;
  rule: Rule;
  kind: Kind;
  severity: Severity;
  readonly client: number;
  /** Numbers of texts: strings that live on are what a garbage collector has most to do with. */
  exposure: number;
  readonly destination: number;
  why: number;
  named: boolean;
  /** Nothing that its client sent was seen, only what came back. */
  isAnswerOnly: boolean;
  escaped: number;
  first: number;
  last: number;
  /** Another incident of the same exposure. */
  next: Incident | undefined;
}

/** An incident of rule T, which what escapes later may make red. */
export interface Warning {
  severity: Severity;
}

/** The first frames of a connection show an address only; the name that follows so soon is theirs. Microseconds. */
const ADOPT_WITHIN = 10_000_000;

export class IncidentList {
  readonly #limit: number;
  readonly #incidents = new Set<Incident>();
  /** By exposure (the number of its text), the first of those that share it: few do. */
  readonly #exposures = new TextTable();
  readonly #firsts: (Incident | undefined)[] = [];
  /** Destinations and reasons. */
  readonly #tellings = new TextTable();
  #begun = 0;
  /** Leak frames that found no incident and no room for one. */
  dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many have begun; one that proved to be part of another counts too. */
  get begun(): number {
    return this.#begun;
  }

  /**
   * Counts one leak frame; `isSent`: by the one whom the capture is about, so no answer. What comes back to a question that was
   * seen is not another thing that got out; where the question was not seen it stands for it. `reason` is asked only when an incident begins or learns its name. A capture shows
   * one wire: whatever is in it has escaped.
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
      const bare = this.#bare(place, client, packet, rule, timeMicros);
      if (bare !== undefined && incident === undefined) {
        this.#name(bare, name, packet.kind, verdict, reason());
        incident = bare;
      } else if (bare !== undefined && incident !== undefined) this.#join(bare, incident);
    }
    if (incident === undefined) {
      incident = this.#begin(rule, packet.kind, client, exposure, place, reason, timeMicros);
      if (incident === undefined) return;
      incident.severity = verdict.severity ?? 'red';
      incident.named = name !== '';
      incident.isAnswerOnly = back;
    }
    if (packet.findings.late === true) incident.why = this.#tellings.add(reason(), 0);
    if (!back && incident.isAnswerOnly) [incident.isAnswerOnly, incident.escaped] = [false, 0];
    if (!back || incident.isAnswerOnly) incident.escaped += 1;
    if (timeMicros > incident.last) incident.last = timeMicros;
  }

  /** Notes what the network did to pull traffic out of tunnels (rule T); undefined when there is no room. */
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

  /** One that warns, until it is said to be more; undefined where there is no room for it. */
  #begin(
    rule: Rule,
    kind: Kind,
    client: number,
    exposure: string,
    destination: string,
    reason: () => string,
    at: number,
  ): Incident | undefined {
    if (this.#incidents.size >= this.#limit || this.#tellings.size >= 8 * this.#limit) {
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
      destination: this.#tellings.add(destination, 0),
      why: this.#tellings.add(reason(), 0),
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

  /** The incident of a connection's frames before it showed its name: until now they had the kind that the ports say. */
  #bare(place: string, client: number, packet: ParsedPacket, rule: Rule, now: number): Incident | undefined {
    if (this.#first(place) === undefined) return undefined;
    const bare =
      this.#find(place, client, packet.kind, rule) ?? this.#find(place, client, kindOfHeaders(packet), 'E');
    return bare === undefined || bare.named || now - bare.last > ADOPT_WITHIN ? undefined : bare;
  }

  /** What showed only where it went takes the name on, and what the connection has proved to be. */
  #name(bare: Incident, name: string, kind: Kind, verdict: Verdict, why: string): void {
    this.#unfile(bare);
    bare.exposure = this.#exposures.add(name, 0);
    bare.named = true;
    bare.kind = kind;
    bare.rule = verdict.rule ?? 'E';
    // The worse of the two: that the connection explains itself later takes nothing back.
    if (bare.severity !== 'red') bare.severity = verdict.severity ?? 'red';
    bare.why = this.#tellings.add(why, 0);
    this.#file(bare);
  }

  /** Another connection to the same name: its first frames belong to the incident that there is. */
  #join(bare: Incident, incident: Incident): void {
    this.#unfile(bare);
    this.#incidents.delete(bare);
    if (bare.severity === 'red') incident.severity = 'red';
    if (!bare.isAnswerOnly && incident.isAnswerOnly) [incident.isAnswerOnly, incident.escaped] = [false, 0];
    if (bare.isAnswerOnly === incident.isAnswerOnly) incident.escaped += bare.escaped;
    incident.first = Math.min(incident.first, bare.first);
    incident.last = Math.max(incident.last, bare.last);
  }

  /** In the order in which they began, as much as the veil lets through. */
  *list(redaction: Redaction): Generator<AnalysedIncident> {
    const times = new Times(redaction);
    let [mac, client] = [-1, ''];
    for (const incident of this.#incidents) {
      if (incident.client !== mac) [mac, client] = [incident.client, macText(incident.client)];
      const { rule, kind, severity, escaped } = incident;
      const told = redaction.incident(kind, rule, {
        client,
        exposure: this.#exposures.text(incident.exposure),
        destination: this.#tellings.text(incident.destination),
        why: this.#tellings.text(incident.why),
      });
      yield {
        id: incidentId(incident.id),
        rule,
        kind,
        severity,
        client: told.client,
        exposure: told.exposure,
        destination: told.destination,
        attempted: 0,
        escaped,
        blocked: 0,
        first: times.text(incident.first),
        last: times.text(incident.last),
        why: told.why,
      };
    }
  }
}

/** ISO 8601 texts of times that mostly follow each other: the second is written once. */
class Times {
  readonly #redaction: Redaction;
  #second = Number.NaN;
  #prefix = '';

  constructor(redaction: Redaction) {
    this.#redaction = redaction;
  }

  /** Times beyond what a date can hold come from damaged captures: they are shown as the epoch. */
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

/** The id of the incident that was the `ordinal`th to begin. */
export function incidentId(ordinal: number): string {
  return `a${ordinal}`;
}

/** Where an answer comes from is where the question went. */
function senderOf(packet: ParsedPacket): string {
  return packet.ipVersion === 0 ? macText(packet.sourceMac) : addressText(packet.ipVersion, packet.source);
}
