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
}

/** The first frames of a connection show an address only; the name that follows so soon is theirs. Microseconds. */
const ADOPT_WITHIN = 10_000_000;

export class IncidentList {
  readonly #limit: number;
  readonly #incidents = new Map<string, Incident>();
  #sequence = 0;
  /** Leak frames that found no incident and no room for one. */
  dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts one leak frame. A capture shows one wire: whatever is in it has escaped. */
  add(facts: Facts, verdict: Verdict, onlyClient: number | undefined, timeMicros: number): void {
    const rule = verdict.rule ?? 'E';
    const back = onlyClient === undefined ? facts.fromServer : facts.sourceMac !== onlyClient;
    const client = back ? facts.destinationMac : facts.sourceMac;
    const place = destinationOf(facts, verdict, back);
    const name = facts.findings.names[0]?.name ?? facts.flowName;
    const exposure = name === '' ? (back ? place : verdict.exposure) : name;
    const common = `${String(client)} ${facts.kind} ${rule} `;
    let incident = this.#incidents.get(common + exposure);
    if (incident === undefined && name !== '')
      incident = this.#adopt(common, place, name, verdict, timeMicros);
    incident ??= this.#open(common + exposure, {
      rule,
      kind: facts.kind,
      severity: verdict.severity ?? 'red',
      client,
      exposure,
      named: name !== '',
      destination: place,
      why: verdict.reason,
      first: timeMicros,
    });
    if (incident === undefined) {
      this.dropped += 1;
      return;
    }
    incident.escaped += 1;
    if (timeMicros > incident.last) incident.last = timeMicros;
  }

  #open(key: string, start: Omit<Incident, 'id' | 'escaped' | 'last'>): Incident | undefined {
    if (this.#incidents.size >= this.#limit) return undefined;
    this.#sequence += 1;
    const incident: Incident = { ...start, id: this.#sequence, escaped: 0, last: start.first };
    this.#incidents.set(key, incident);
    return incident;
  }

  /** An incident that until now showed only where it went takes the name on. */
  #adopt(common: string, place: string, name: string, verdict: Verdict, now: number): Incident | undefined {
    const bare = this.#incidents.get(common + place);
    if (bare === undefined || bare.named || now - bare.last > ADOPT_WITHIN) return undefined;
    this.#incidents.delete(common + place);
    bare.exposure = name;
    bare.named = true;
    bare.why = verdict.reason;
    this.#incidents.set(common + name, bare);
    return bare;
  }

  list(show: (name: string) => string): AnalysedIncident[] {
    return [...this.#incidents.values()].map((incident) => {
      const shown = incident.named ? show(incident.exposure) : incident.exposure;
      return {
        id: `a${incident.id}`,
        rule: incident.rule,
        kind: incident.kind,
        severity: incident.severity,
        client: macText(incident.client),
        exposure: shown,
        destination: incident.destination,
        attempted: 0,
        escaped: incident.escaped,
        blocked: 0,
        first: isoTime(incident.first),
        last: isoTime(incident.last),
        why: incident.named ? incident.why.replaceAll(incident.exposure, shown) : incident.why,
      };
    });
  }
}

function destinationOf(facts: Facts, verdict: Verdict, back: boolean): string {
  if (facts.ipVersion === 0) return back ? macText(facts.sourceMac) : verdict.destination;
  return addressText(facts.ipVersion, back ? facts.source : facts.destination);
}

/** Times beyond what a date can hold come from damaged captures: they are shown as the epoch. */
function isoTime(micros: number): string {
  const date = new Date(micros / 1000);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}
