// Knows: what every capture driver offers, and how it fails. Must not know: the drivers.

import type { FrameListener } from './block-walker.ts';

export interface FrameSender {
  /** Puts a frame on the wire, from its Ethernet header on. The device's own listener is not shown it. Throws CaptureError. */
  send(frame: Uint8Array): void;
  close(): void;
}

export interface CaptureDevice extends FrameSender {
  /** From now on only what fits this filter (pcap-filter(7)) is read. Throws CaptureError, and the old one goes on. */
  setFilter(text: string): void;
  /** Frames that the kernel had no room for since it was opened. */
  dropped(): number;
  /**
   * All frames that came before this time (CLOCK_MONOTONIC, milliseconds) were given to the listener. `polledAt` is a time after
   * which the event loop has looked at all descriptors.
   */
  readUpTo(polledAt: number): number;
}

export interface CaptureOptions {
  /** pcap-filter(7); empty for everything. */
  readonly filter: string;
  readonly onFrame: FrameListener;
  /** The last thing that is heard: the interface went down or away. Everything that it had received was given before. */
  readonly onEnd: (reason: string) => void;
}

export const CAPTURE_FAULTS = [
  'NO_DEVICE',
  'NOT_UP',
  'LINK_TYPE',
  'NOT_PERMITTED',
  'FILTER_SYNTAX',
  'FILTER_TOO_LONG',
  'FILTER_REFUSED',
  'BUSY',
  'CLOSED',
  'SYSTEM',
] as const;
export type CaptureFault = (typeof CAPTURE_FAULTS)[number];

export class CaptureError extends Error {
  readonly code: CaptureFault;

  constructor(code: CaptureFault, message: string) {
    super(message);
    this.name = 'CaptureError';
    this.code = code;
  }
}
