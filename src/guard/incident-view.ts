// Knows: how an incident is shown: the one way out of the book, for people, programs and disk. Must not know: how it came about.

import type { Incident } from './incidents.ts';
import type { IncidentView } from './status.ts';

export function viewOf(incident: Incident): IncidentView {
  return {
    id: incident.id,
    rule: incident.rule,
    kind: incident.kind,
    severity: incident.severity,
    client: incident.client,
    exposure: incident.exposure,
    destination: incident.destination,
    attempted: incident.attempted,
    escaped: incident.escaped,
    blocked: incident.blocked,
    first: new Date(incident.first).toISOString(),
    last: new Date(incident.last).toISOString(),
    why: incident.why,
    acknowledged: incident.acknowledged,
    breach: incident.breach,
    ...(incident.related.length === 0 ? {} : { related: incident.related }),
    ...(incident.candidates.length === 0 ? {} : { candidates: incident.candidates }),
  };
}
