// Knows: how a set-up fails. Must not know: what it sets up.

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
