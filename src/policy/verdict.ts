// Knows: what a judgement is. Must not know: how it is reached.
// Follows README.md, Rules and remedies.

export type VerdictName = 'tunnel' | 'essential' | 'allowed' | 'leak';
export const RULES = ['A', 'B', 'C', 'D', 'E', 'F', 'T'] as const;
export type Rule = (typeof RULES)[number];
export const SEVERITIES = ['red', 'amber'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Which way a frame goes; `either` for a capture in which nobody said who the client is. */
export type CaptureDirection = 'up' | 'down' | 'either';

export interface Verdict {
  readonly verdict: VerdictName;
  /** Present exactly when the verdict is `leak`. */
  readonly rule?: Rule;
  readonly severity?: Severity;
  /** In plain words, naming the frame's facts. */
  readonly reason: string;
  /** What Eve learns: the name, or the destination; the key by which incidents coalesce. */
  readonly exposure: string;
  /** Destination as text: `203.0.113.53` or `203.0.113.53:53`-like words belong to the reason. */
  readonly destination: string;
  /** `allowed` only because the profile lets other traffic go direct: what is known of the destination may change that. */
  readonly direct?: true;
}
