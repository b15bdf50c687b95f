// Knows: how a lamp or its button fails. Must not know: any of them.

export class LampError extends Error {
  readonly code = 'lamp';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LampError';
  }
}
