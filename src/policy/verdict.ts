// The verdict on a frame: README.md, Rules and remedies.

export type VerdictName = 'tunnel' | 'essential' | 'allowed' | 'leak';
/** README.md, Rules and remedies; T needs more than one frame. */
export const RULES = ['A', 'B', 'C', 'D', 'E', 'F', 'T'] as const;
export type Rule = (typeof RULES)[number];
/** What an incident does to the LED. */
export const SEVERITIES = ['red', 'amber'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Which way a frame goes; `either` for a capture of which it is not known who the client is. */
export type CaptureDirection = 'up' | 'down' | 'either';

/** What the judge says about one frame. */
export interface Verdict {
  readonly verdict: VerdictName;
  /** Present exactly when the verdict is `leak`. */
  readonly rule?: Rule;
  readonly severity?: Severity;
  /** In plain words, with names and addresses from the frame. */
  readonly reason: string;
  /** What Eve learns: the name, or the destination. Frames with the same exposure are one incident. */
  readonly exposure: string;
  /** Destination as text, without port: `203.0.113.53`. */
  readonly destination: string;
  /** `allowed` only because the profile lets other traffic go direct; what is learned about the destination later may change that. */
  readonly direct?: true;
}
