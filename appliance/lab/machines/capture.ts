// Captures frames with tcpdump: an independent check that shares no code and no filter with the guard.

import type { Namespace } from './namespace.ts';
import type { Running } from '../processes/process.ts';
import { programArgv } from '../processes/program.ts';

/** Unused addresses. An ARP probe for one is the marker that follows all frames sent before it; it also crosses in block mode. */
const MARKERS = Array.from({ length: 50 }, (_, n) => `169.254.200.${200 + n}`);
let markersUsed = 0;

/** A running tcpdump. */
export class Capture {
  readonly #tcpdump: Running;
  readonly #marker: string;

  private constructor(tcpdump: Running, marker: string) {
    this.#tcpdump = tcpdump;
    this.#marker = marker;
  }

  /**
   * Captures the frames on `device` in `space`, in both directions, that match `filter` (pcap-filter(7)); resolves once tcpdump is
   * listening. Rejects with LabError.
   */
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
   * Ends the capture and returns tcpdump's line (tcpdump(8), with -n and -e) for each frame, without the marker's. First `sender` sends a
   * marker on its `device`, for which the capture waits: any earlier frame of `sender` has then been captured, or never arrived. Rejects
   * with LabError `not-ready` when the marker does not arrive.
   */
  async finish(sender: Namespace, device: string): Promise<readonly string[]> {
    await sender.must(programArgv('lab/marker', device, this.#marker));
    await this.#tcpdump.line(new RegExp(`who-has ${this.#marker} `));
    return this.stop();
  }

  /** Ends the capture at once and returns tcpdump's line for each frame that it has printed by then. */
  async stop(): Promise<readonly string[]> {
    await this.#tcpdump.stop('SIGINT');
    return this.#tcpdump.lines.filter(
      (line) => /^\d\d:\d\d:\d\d\./.test(line) && !line.includes(this.#marker),
    );
  }
}
