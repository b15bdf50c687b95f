// Knows: how a small program of the box ends: with its exit code, or with why it did not come to one. Must not know: what it does.

/** Runs `main` and ends with its exit code; 2 with `help` for words that parseArgs does not know, 3 for anything else thrown. */
export function runProgram(main: () => Promise<number>, help: string): void {
  main().then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      const usage = error instanceof TypeError && 'code' in error;
      process.stderr.write(`${String(error)}\n${usage ? help : ''}`);
      process.exitCode = usage ? 2 : 3;
    },
  );
}
