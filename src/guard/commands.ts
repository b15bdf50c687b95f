// Knows: what can be asked of the guard over the local API. Must not know: who asks, and how.
// Follows DESIGN section 7. HTTP over a Unix socket; bodies and answers are JSON.

/** PUT /v1/block → Status. Resolves when the kernel has the new ruleset and it has been read back. */
export interface BlockCommand {
  readonly on: boolean;
}

/** POST /v1/ack → Status. */
export interface AckCommand {
  /** An incident's id, or `all`. */
  readonly id: string;
}

/** POST /v1/pass → Status; DELETE /v1/pass ends it. */
export interface PassCommand {
  readonly seconds: number;
  readonly client?: string;
}
