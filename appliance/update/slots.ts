// Knows: what root keeps of updates: the signed file of the version that works, the one of the candidate, and what was under way
// when the power went. Must not know: signatures, dpkg. Each file is replaced whole or not at all.
//
//   STATE/status.json        what may be told, for the daemon to read
//   STATE/kept/              for nobody but root
//     working.update         the last one that worked, with its signature
//     candidate.update       the one that is tried
//     record.json            what was under way, and from which version

import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { UPDATE_STAGES } from '../../src/api/words.ts';
import type { UpdateStage } from '../../src/api/words.ts';
import { writeDurable } from '../os/durable-file.ts';
import { UPDATE_FILE_MOST, UpdateError } from './bundle.ts';
import { isSafeFolder, readSafeFile } from './safe-files.ts';

export interface UpdateRecord {
  readonly stage: UpdateStage;
  /** The version that was asked for; empty at stage `none`. */
  readonly version: string;
  /** One sentence for people. */
  readonly why: string;
}

/** What the installer tells everybody. */
export interface PublishedUpdate extends UpdateRecord {
  /** The version that could be come back to; empty when none is kept. */
  readonly wayBack: string;
}

const NOTHING: PublishedUpdate = { stage: 'none', version: '', why: 'nothing was ever updated', wayBack: '' };
const RECORD_MOST = 16_384;
/** `why` is what programs said, which may be a lot. Characters. */
const WHY_MOST = 1000;

export class Slots {
  readonly #folder: string;

  /** Throws UpdateError `unsafe-place` when others than root could write there. */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(this.#kept, { recursive: true, mode: 0o755 });
    chmodSync(this.#kept, 0o700);
    isSafeFolder(this.#kept);
  }

  /** Where root may lay out something that nobody else can touch. */
  get workspace(): string {
    return this.#kept;
  }

  /** The signed file of the version that was the last one to work; undefined when none is kept. */
  working(): Uint8Array | undefined {
    const path = this.#at('working.update');
    return existsSync(path) ? readSafeFile(path, UPDATE_FILE_MOST) : undefined;
  }

  keepWorking(file: Uint8Array): void {
    writeDurable(this.#at('working.update'), file);
  }

  putCandidate(file: Uint8Array): void {
    writeDurable(this.#at('candidate.update'), file);
  }

  /** The candidate has proven itself. */
  promote(): void {
    renameSync(this.#at('candidate.update'), this.#at('working.update'));
  }

  dropCandidate(): void {
    rmSync(this.#at('candidate.update'), { force: true });
  }

  /** A damaged record says nothing, and nothing is under way then that could be gone on with. */
  record(): UpdateRecord {
    return readRecord(this.#at('record.json'), RECORD_MOST) ?? NOTHING;
  }

  /** `wayBack`: the version in the working slot, once its signature was looked at; empty for none. */
  write({ stage, version, why }: UpdateRecord, wayBack: string): void {
    const record = { stage, version, why: why.slice(0, WHY_MOST) };
    writeDurable(this.#at('record.json'), `${JSON.stringify(record)}\n`);
    const status: PublishedUpdate = { ...record, wayBack };
    writeDurable(join(this.#folder, 'status.json'), `${JSON.stringify(status)}\n`, 0o644);
  }

  get #kept(): string {
    return join(this.#folder, 'kept');
  }

  #at(name: string): string {
    return join(this.#kept, name);
  }
}

/** What the installer told last; for whoever may read and not write there. */
export function publishedIn(folder: string): PublishedUpdate {
  return readRecord(join(folder, 'status.json'), RECORD_MOST) ?? NOTHING;
}

function readRecord(path: string, most: number): PublishedUpdate | undefined {
  try {
    const value: unknown = JSON.parse(readSafeFile(path, most).toString('utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { stage, version, why, wayBack = '' } = value as Record<string, unknown>;
    const known = UPDATE_STAGES.find((one) => one === stage);
    if (known === undefined || typeof version !== 'string' || typeof why !== 'string') return undefined;
    return { stage: known, version, why, wayBack: typeof wayBack === 'string' ? wayBack : '' };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof SyntaxError || error instanceof UpdateError || typeof code === 'string')
      return undefined;
    throw error;
  }
}
