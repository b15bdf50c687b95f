// The error of set-up: a message for the owner, and what to do.

/** Set-up cannot go on. `usage`: an argument · `policy`: the policy file · `write`: a file. `remedy`: a sentence for the owner. */
export class SetupError extends Error {
  readonly code: 'usage' | 'policy' | 'write';
  readonly remedy: string;

  constructor(code: 'usage' | 'policy' | 'write', message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'SetupError';
    this.code = code;
    this.remedy = remedy;
  }
}
