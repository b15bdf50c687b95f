// Knows: what the guard is told of time. Must not know: clocks; it is a port.

/** Clocks as the caller reads them, in milliseconds: wall time for people, monotonic time for order. */
export interface Now {
  readonly wall: number;
  readonly monotonic: number;
}
