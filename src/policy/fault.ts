// Knows: what a fault of a policy or a request looks like. Must not know: who reads it.
// README.md, guarantee 7: an invalid policy is refused whole, with every fault listed.

/** One fault: where, what, and how to mend it. */
export interface Fault {
  /** `tunnels[0].endpoints[1]`, or '' for the whole. */
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
  /** Line of the policy text, from 1, where it is known. */
  readonly line?: number;
}
