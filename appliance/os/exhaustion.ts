// Knows: which errors say that the machine has run out of something. Must not know: who wanted it.
// errno(3). They pass: whoever meets one tries again, and says meanwhile that it cannot vouch for anything.

const CODES: readonly unknown[] = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'ENOBUFS', 'ENOSPC', 'EDQUOT'];

/** No handle, process, memory or space was left. */
export function isExhaustion(error: unknown): boolean {
  return error instanceof Error && 'code' in error && CODES.includes(error.code);
}
