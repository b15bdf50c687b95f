// Knows: how work that takes long lets others have their turn. Must not know: any work.

/** Resolves when all that waits by now to be read, written or timed out has had its turn. */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
