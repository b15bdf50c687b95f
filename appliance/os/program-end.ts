// Runs a small program of the box and sets its exit code.

/**
 * Runs `main` and sets its exit code, without ending the process; on an error prints it on stderr and sets 2, with `help`, for a usage
 * error of parseArgs, or else 3. Never throws.
 */
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
