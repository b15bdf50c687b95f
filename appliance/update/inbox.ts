// Knows: how the daemon lays an update before the installer, in parts, whole only when it is. Must not know: signatures, dpkg.
// Everything in here is a wish of whoever can write here: the installer takes it out (safe-files.ts) and believes none of it.

import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Its name in the inbox, which leakguard-update.path waits for. */
export const INCOMING = 'incoming.update';

export class Inbox {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Bytes that were uploaded of what is not whole yet. */
  get received(): number {
    return statSync(this.#part, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Adds to what is uploaded; `at` 0 begins anew. */
  receive(at: number, bytes: Uint8Array): void {
    if (at === 0) rmSync(this.#part, { force: true });
    appendFileSync(this.#part, bytes, { mode: 0o600 });
  }

  uploaded(): Uint8Array {
    return this.received === 0 ? new Uint8Array() : readFileSync(this.#part);
  }

  /** Whoever waits for an update finds one now, whole. */
  submit(): void {
    renameSync(this.#part, join(this.#folder, INCOMING));
  }

  get #part(): string {
    return join(this.#folder, 'upload.part');
  }
}
