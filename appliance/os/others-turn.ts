// Knows: how work that takes long lets others have their turn. Must not know: any work.

/** A question is taken, read and answered in one turn of libuv's loop each. */
const TURNS = 3;

/** Resolves when all that waits by now to be read, written or timed out has had its turn, and who asks has an answer. */
export async function othersTurn(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1)
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
}
