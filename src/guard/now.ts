/** Both clocks, read by the caller, in milliseconds: wall time to show to people, monotonic time to measure and order. */
export interface Now {
  readonly wall: number;
  readonly monotonic: number;
}
