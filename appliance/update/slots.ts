// Knows: the two packages of an update, the last working one and the candidate, and what was under way when the power went.
// Must not know: signatures, dpkg. Each file is replaced whole or not at all.

import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { UPDATE_STAGES } from '../../src/guard/update-status.ts';
import type { UpdateStage } from '../../src/guard/update-status.ts';
import { writeDurable } from '../durable-file.ts';

export interface UpdateRecord {
  readonly stage: UpdateStage;
  /** The version that was asked for; empty at stage `none`. */
  readonly version: string;
  /** One sentence for people. */
  readonly why: string;
}

const NOTHING: UpdateRecord = { stage: 'none', version: '', why: 'nothing was ever updated' };

export class Slots {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** The update as it was uploaded, with its signature. */
  get incoming(): string {
    return join(this.#folder, 'incoming.update');
  }

  /** The package that is to be tried. */
  get candidate(): string {
    return join(this.#folder, 'candidate.deb');
  }

  /** The package that was the last one to work. */
  get working(): string {
    return join(this.#folder, 'working.deb');
  }

  get hasWorking(): boolean {
    return existsSync(this.working);
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

  /** Whoever waits for an update (leakguard-update.path) finds one now, whole. */
  submit(): void {
    renameSync(this.#part, this.incoming);
  }

  /** The package of the version that runs: what a failed update comes back to. */
  keepWorking(bytes: Uint8Array): void {
    writeDurable(this.working, bytes);
  }

  get #part(): string {
    return join(this.#folder, 'upload.part');
  }

  /** A damaged record says nothing, and nothing is under way then that could be gone on with. */
  record(): UpdateRecord {
    try {
      const value: unknown = JSON.parse(readFileSync(join(this.#folder, 'record.json'), 'utf8'));
      return isRecord(value) ? value : NOTHING;
    } catch {
      return NOTHING;
    }
  }

  write(record: UpdateRecord): void {
    writeDurable(join(this.#folder, 'record.json'), `${JSON.stringify(record)}\n`);
  }

  putCandidate(bytes: Uint8Array): void {
    writeDurable(this.candidate, bytes);
  }

  /** The candidate has proven itself. */
  promote(): void {
    renameSync(this.candidate, this.working);
  }

  dropCandidate(): void {
    rmSync(this.candidate, { force: true });
    rmSync(this.incoming, { force: true });
  }
}

function isRecord(value: unknown): value is UpdateRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { stage, version, why } = value as Record<string, unknown>;
  return UPDATE_STAGES.some((one) => one === stage) && typeof version === 'string' && typeof why === 'string';
}
