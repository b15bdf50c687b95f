// Knows: how to ask tcpdump what came over a link, and when it has seen all of it. Must not know: guards, scenarios.
// The independent witness: it shares no code and no filter with the guard.

import type { Namespace } from './namespace.ts';
import type { Running } from '../processes/process.ts';
import { programArgv } from '../processes/program.ts';

/** Addresses nobody has, probed for by ARP: a marker that travels behind everything sent before it, in block mode too. */
const MARKERS = Array.from({ length: 50 }, (_, n) => `169.254.200.${200 + n}`);
let markersUsed = 0;

export class Capture {
  readonly #tcpdump: Running;
  readonly #marker: string;

  private constructor(tcpdump: Running, marker: string) {
    this.#tcpdump = tcpdump;
    this.#marker = marker;
  }

  /** Captures on `device` of `space` what fits `filter` (pcap-filter(7)); resolves once it listens. */
  static async start(space: Namespace, device: string, filter: string): Promise<Capture> {
    const marker = MARKERS[markersUsed++ % MARKERS.length] ?? '';
    const either = `(${filter}) or (arp host ${marker})`;
    const tcpdump = await space.start(
      ['tcpdump', '--immediate-mode', '-l', '-n', '-e', '-B', '8192', '-i', device, either],
      { remember: Number.POSITIVE_INFINITY },
    );
    await tcpdump.line(/listening on/);
    return new Capture(tcpdump, marker);
  }

  /**
   * Ends the capture and gives one line per frame. `sender` puts a marker on the wire first and the end waits for it:
   * what `sender` sent before has then been seen, or never arrived.
   */
  async finish(sender: Namespace, device: string): Promise<readonly string[]> {
    await sender.must(programArgv('lab/marker', device, this.#marker));
    await this.#tcpdump.line(new RegExp(`who-has ${this.#marker} `));
    return this.stop();
  }

  /** Ends the capture at once. */
  async stop(): Promise<readonly string[]> {
    await this.#tcpdump.stop('SIGINT');
    return this.#tcpdump.lines.filter(
      (line) => /^\d\d:\d\d:\d\d\./.test(line) && !line.includes(this.#marker),
    );
  }
}
