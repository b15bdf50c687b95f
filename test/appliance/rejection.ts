// How a test looks at why something was refused.

/** The reason it was rejected for; undefined when it was not. */
export async function rejectionOf(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}
