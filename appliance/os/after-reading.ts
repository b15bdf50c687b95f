// A timeout for messages of others that a delay of this process does not trigger. libuv's loop runs timers before it reads: after the loop
// was blocked, a plain timer would fire although the message has arrived.

/**
 * Runs `task` once, after `ms` milliseconds, when everything that has arrived by then was read. Returns a function that cancels it; calling
 * that later or twice is harmless.
 */
export function afterReading(ms: number, task: () => void): () => void {
  let due: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    due = setImmediate(task);
  }, ms);
  return () => {
    clearTimeout(timer);
    clearImmediate(due);
  };
}
