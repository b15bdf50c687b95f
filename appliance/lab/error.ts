/** An error of the lab: `code` is for programs, `message` for people; `cause` is the error that led to it, if any. */
export class LabError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LabError';
    this.code = code;
  }
}
