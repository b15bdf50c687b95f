// The directory in which the daemon leaves an uploaded update for the installer. The upload arrives in parts; the file gets its
// final name only when it is complete. The installer takes it out (safe-files.ts) and trusts nothing in it.

import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Name of the complete update in the inbox; leakguard-update.path waits for it. */
export const INCOMING = 'incoming.update';

/** The inbox; methods throw file system errors. */
export class Inbox {
  readonly #folder: string;

  /** Creates the folder, for its owner alone, where it is missing. */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Bytes uploaded so far of an incomplete update; 0 when there is none. */
  get received(): number {
    return statSync(this.#part, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Appends a part; `at` 0 discards what was uploaded before. The caller checks that `at` equals `received`. */
  receive(at: number, bytes: Uint8Array): void {
    if (at === 0) rmSync(this.#part, { force: true });
    appendFileSync(this.#part, bytes, { mode: 0o600 });
  }

  /** What was uploaded so far; empty when nothing was. */
  uploaded(): Uint8Array {
    return this.received === 0 ? new Uint8Array() : readFileSync(this.#part);
  }

  /** Gives the uploaded file its final name, for which the installer waits. */
  submit(): void {
    renameSync(this.#part, join(this.#folder, INCOMING));
  }

  get #part(): string {
    return join(this.#folder, 'upload.part');
  }
}
