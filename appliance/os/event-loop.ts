// Lets long work yield to the event loop.

/** A connection is accepted, its request read and its answer written in one turn of libuv's loop each. */
const TURNS = 3;

/** Resolves after pending reads, writes and timers have run, so that a waiting request has been answered. Never rejects. */
export async function yieldToEventLoop(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1)
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
}
