// Knows: how leaks of a capture become incidents. Must not know: files, the ledger of a live wire.
// DESIGN sections 1 and 7: one incident per client, kind, rule and exposure. What comes back belongs to who asked.

import { addressText, macText } from '../wire/address.ts';
import type { Facts } from '../flow/facts.ts';
import type { Kind } from '../flow/kinds.ts';
import type { Rule, Severity, Verdict } from '../policy/verdict.ts';

export interface AnalysedIncident {
  readonly id: string;
  readonly rule: Rule;
  readonly kind: Kind;
  readonly severity: Severity;
  readonly client: string;
  readonly exposure: string;
  readonly destination: string;
  readonly attempted: number;
  readonly escaped: number;
  readonly blocked: number;
  /** ISO 8601, UTC. */
  readonly first: string;
  readonly last: string;
  readonly why: string;
}

interface Incident {
  readonly id: number;
  readonly rule: Rule;
  readonly kind: Kind;
  readonly severity: Severity;
  readonly client: number;
  exposure: string;
  named: boolean;
  readonly destination: string;
  why: string;
  escaped: number;
  readonly first: number;
  last: number;
  /** Another incident of the same exposure. */
  next: Incident | undefined;
}

/** The first frames of a connection show an address only; the name that follows so soon is theirs. Microseconds. */
const ADOPT_WITHIN = 10_000_000;

export class IncidentList {
  readonly #limit: number;
  readonly #incidents: Incident[] = [];
  /** By exposure, the first of those that share it: few do. */
  readonly #byExposure = new Map<string, Incident>();
  /** Leak frames that found no incident and no room for one. */
  dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#incidents.length;
  }

  /** Counts one leak frame; `reason` is asked only when an incident begins or learns its name. A capture shows one wire: whatever is in it has escaped. */
  add(
    facts: Facts,
    verdict: Verdict,
    onlyClient: number | undefined,
    timeMicros: number,
    reason: () => string,
  ): void {
    const back = onlyClient === undefined ? facts.fromServer : facts.sourceMac !== onlyClient;
    const client = back ? facts.destinationMac : facts.sourceMac;
    const name = facts.findings.names[0]?.name ?? facts.flowName;
    const place = back ? senderOf(facts) : verdict.destination;
    const exposure = name !== '' ? name : back ? place : verdict.exposure;
    const rule = verdict.rule ?? 'E';
    let incident = this.#find(exposure, client, facts.kind, rule);
    if (incident === undefined && name !== '') {
      incident = this.#adopt(place, name, client, facts.kind, rule, timeMicros);
      if (incident !== undefined) incident.why = reason();
    }
    if (incident === undefined) {
      if (this.#incidents.length >= this.#limit) {
        this.dropped += 1;
        return;
      }
      incident = {
        id: this.#incidents.length + 1,
        rule,
        kind: facts.kind,
        severity: verdict.severity ?? 'red',
        client,
        exposure,
        named: name !== '',
        destination: place,
        why: reason(),
        escaped: 0,
        first: timeMicros,
        last: timeMicros,
        next: undefined,
      };
      this.#incidents.push(incident);
      this.#file(incident);
    }
    incident.escaped += 1;
    if (timeMicros > incident.last) incident.last = timeMicros;
  }

  #find(exposure: string, client: number, kind: Kind, rule: Rule): Incident | undefined {
    let incident = this.#byExposure.get(exposure);
    while (incident !== undefined) {
      if (incident.kind === kind && incident.rule === rule && incident.client === client) return incident;
      incident = incident.next;
    }
    return undefined;
  }

  #file(incident: Incident): void {
    incident.next = this.#byExposure.get(incident.exposure);
    this.#byExposure.set(incident.exposure, incident);
  }

  #unfile(incident: Incident): void {
    const first = this.#byExposure.get(incident.exposure);
    if (first === incident) {
      if (incident.next === undefined) this.#byExposure.delete(incident.exposure);
      else this.#byExposure.set(incident.exposure, incident.next);
      return;
    }
    let before = first;
    while (before !== undefined && before.next !== incident) before = before.next;
    if (before !== undefined) before.next = incident.next;
  }

  /** An incident that until now showed only where it went takes the name on. */
  #adopt(
    place: string,
    name: string,
    client: number,
    kind: Kind,
    rule: Rule,
    now: number,
  ): Incident | undefined {
    const bare = this.#find(place, client, kind, rule);
    if (bare === undefined || bare.named || now - bare.last > ADOPT_WITHIN) return undefined;
    this.#unfile(bare);
    bare.exposure = name;
    bare.named = true;
    this.#file(bare);
    return bare;
  }

  list(show: (name: string) => string = (name) => name): AnalysedIncident[] {
    const clients = new Map<number, string>();
    const textOf = (mac: number): string => {
      const text = clients.get(mac) ?? macText(mac);
      clients.set(mac, text);
      return text;
    };
    return this.#incidents.map((incident) => {
      const shown = incident.named ? show(incident.exposure) : incident.exposure;
      return {
        id: incidentId(incident.id),
        rule: incident.rule,
        kind: incident.kind,
        severity: incident.severity,
        client: textOf(incident.client),
        exposure: shown,
        destination: incident.destination,
        attempted: 0,
        escaped: incident.escaped,
        blocked: 0,
        first: isoTime(incident.first),
        last: isoTime(incident.last),
        why: shown === incident.exposure ? incident.why : incident.why.replaceAll(incident.exposure, shown),
      };
    });
  }
}

/** The id of the incident that was the so-manieth to begin. */
export function incidentId(ordinal: number): string {
  return `a${ordinal}`;
}

/** Where an answer comes from is where the question went. */
function senderOf(facts: Facts): string {
  return facts.ipVersion === 0 ? macText(facts.sourceMac) : addressText(facts.ipVersion, facts.source);
}

/** Times beyond what a date can hold come from damaged captures: they are shown as the epoch. */
function isoTime(micros: number): string {
  const date = new Date(micros / 1000);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}
