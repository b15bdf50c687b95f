// Knows: how observations of both taps become incidents, and which of them tell one story. Must not know: states, kernel, clocks.
// Follows DESIGN section 3, rules D and T: a visit joins the question that Eve has read.

import type { Policy } from '../policy/policy.ts';
import { Correlation } from './correlation.ts';
import type { Exposure } from './correlation.ts';
import type { Incident, IncidentBook, Now } from './incidents.ts';
import type { Observation } from './observation.ts';

export class Observer {
  readonly #book: IncidentBook;
  readonly #correlation: Correlation;

  constructor(policy: Policy, book: IncidentBook) {
    this.#book = book;
    this.#correlation = new Correlation(policy);
  }

  setPolicy(policy: Policy): void {
    this.#correlation.setPolicy(policy);
  }

  /** Takes one observation of a tap; `breach` says that it crossed rules that stood. Returns the incidents that changed. */
  take(port: 'lan' | 'wan', observation: Observation, now: Now, breach: boolean): Incident[] {
    if (observation.direction === 'down') {
      this.#correlation.answered(observation, now.monotonic);
      return [];
    }
    const visit = this.#correlation.visit(observation, now.monotonic);
    const judged = visit === undefined ? observation : { ...observation, verdict: visit.verdict };
    if (judged.verdict.verdict !== 'leak') return [];
    const incident =
      port === 'lan' ? this.#book.attempt(judged, now) : this.#book.escape(judged, now, breach);
    this.#correlation.asked(judged, incident.id, now.monotonic);
    if (visit === undefined) return [incident];
    const names = visit.candidates.map((name) => this.#book.veil.name(name));
    incident.candidates = [...new Set([...names, ...incident.candidates])].slice(0, 16);
    return [...new Set([incident, ...this.#book.relate(incident, visit.questions)])];
  }

  /** Addresses that the kernel and the taps shall watch from now on; each is told once. */
  takeExposures(): readonly Exposure[] {
    return this.#correlation.takeExposures();
  }

  /** Questions and answers that were forgotten because there were too many. */
  get forgotten(): number {
    return this.#correlation.forgotten;
  }
}
