// Connections that were stopped while a captive-portal exception (pass) was open, shown to a person whose login page does not load.
// Connections only: DNS and link-local discovery are stopped in every pass, and no login needs them.

import { farText } from '../../policy/reason.ts';
import { isVisit } from '../../policy/rules.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Observation } from '../observation.ts';
import type { Redaction } from '../history/privacy.ts';

const LIMIT = 5;

/** The latest stopped connections, at most five, as texts. */
export class PassStops {
  readonly #stopped = new BoundedMap<true>(LIMIT);

  /** Takes a frame that came while a pass was open; it is kept redacted, and `minimal` keeps nothing. */
  take({ packet, direction, verdict, crosses }: Observation, redaction: Redaction): void {
    if (redaction.privacy === 'minimal') return;
    if (direction !== 'up' || verdict.verdict !== 'leak' || crosses || !isVisit(packet.kind)) return;
    const where = redaction.privacy === 'full' ? farText.of(packet) : redaction.exposure(verdict.destination);
    const name = redaction.name(packet.findings.names[0]?.name ?? packet.flowName);
    this.#stopped.set(name === '' ? where : `${name} (${where})`, true);
  }

  /** Forgets them: a pass has begun or ended. */
  clear(): void {
    this.#stopped.clear();
  }

  /** `name (address:port)`, or without a name the address and port, as privacy shows them; newest first. */
  list(): string[] {
    return [...this.#stopped].map(([what]) => what).reverse();
  }
}
