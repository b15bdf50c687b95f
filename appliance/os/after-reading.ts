// Knows: how to wait without taking a delay of this process for one of somebody else's. Must not know: whose word is waited for.
// A turn of libuv's loop runs timers before what waits to be read: after the loop was held up, a deadline comes due first.

/** Runs `task` after `ms` milliseconds, once what waits by then has been read. Gives what calls it off, until it has run. */
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
