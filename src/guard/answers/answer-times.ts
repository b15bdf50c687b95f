// Knows: how long an answer is waited for, and how long what it says is kept. Must not know: whose answer, or what for.

/** How long an answer may come after its question, milliseconds. */
export const ANSWER_MS = 30_000;

const LEAST_SECONDS = 60;
export const KEPT_SECONDS_MOST = 86_400;

/** For how long a record is kept, seconds, by its time to live: clients keep an answer for a minute even when it says not to. */
export function keptSeconds(ttl: number): number {
  return Math.min(Math.max(ttl, LEAST_SECONDS), KEPT_SECONDS_MOST);
}
