// Errors that mean that the machine has run out of something (errno(3)). They are temporary: callers try again, and report `blind` until
// then.

const CODES: readonly unknown[] = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'ENOBUFS', 'ENOSPC', 'EDQUOT'];

/**
 * Whether an error says that no file handle, process, memory or disk space was left, by its code (errno(3)). False for anything that is not
 * an Error with a code.
 */
export function isExhaustion(error: unknown): boolean {
  return error instanceof Error && 'code' in error && CODES.includes(error.code);
}
