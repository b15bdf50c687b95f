// Knows: how a fault of the lab is said. Must not know: who catches it.

/** `code` is for programs, `message` for people; `cause` is what was caught, if anything. */
export class LabError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LabError';
    this.code = code;
  }
}
