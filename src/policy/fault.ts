// A fault of a policy or of a request. README.md, guarantee 7: an invalid policy is refused whole, with every fault listed.

/** One fault: where it is, what is wrong, and how to fix it. */
export interface Fault {
  /** `tunnels[0].endpoints[1]`, or '' for the whole policy or request. */
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
  /** Line of the policy text, counted from 1; absent where it is not known. */
  readonly line?: number;
}
