// Knows: what an open pass did not let through, for whoever waits for a login page. Must not know: rules, when a pass ends.
// Connections alone: names and chatter are stopped in every pass, and no login waits for them.

import { farText } from '../../policy/reason.ts';
import { isVisit } from '../../policy/rules.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Observation } from '../observation.ts';
import type { Veil } from '../history/privacy.ts';

const TOLD = 5;

export class PassStops {
  readonly #stopped = new BoundedMap<true>(TOLD);

  /** A frame that came while a pass was open; what `veil` hides is not kept, and `minimal` keeps nothing. */
  take({ facts, direction, verdict, crosses }: Observation, veil: Veil): void {
    if (veil.privacy === 'minimal') return;
    if (direction !== 'up' || verdict.verdict !== 'leak' || crosses || !isVisit(facts.kind)) return;
    const where = veil.privacy === 'full' ? farText.of(facts) : veil.exposure(verdict.destination);
    const name = veil.name(facts.findings.names[0]?.name ?? facts.flowName);
    this.#stopped.set(name === '' ? where : `${name} (${where})`, true);
  }

  clear(): void {
    this.#stopped.clear();
  }

  /** Newest first. */
  list(): string[] {
    return [...this.#stopped].map(([what]) => what).reverse();
  }
}
