// The files that root keeps for updates. Each is replaced atomically.
//
//   STATE/status.json        the public status, for the daemon to read
//   STATE/kept/              readable by root only
//     working.update         the signed file of the last version that worked
//     candidate.update       the signed file of the version being installed
//     record.json            the update in progress or the last one, for recovery after a power cut

import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { UPDATE_STAGES } from '../../src/api/words.ts';
import type { UpdateStage } from '../../src/api/words.ts';
import { writeDurable } from '../os/durable-file.ts';
import { MAX_UPDATE_FILE_BYTES, UpdateError } from './bundle.ts';
import { isSafeFolder, readSafeFile } from './safe-files.ts';

/** What became of the last update. */
export interface UpdateRecord {
  readonly stage: UpdateStage;
  /** The version of the update; empty at stage `none`. */
  readonly version: string;
  /** One clause for the user, without a full stop. */
  readonly why: string;
}

/** The content of status.json. */
export interface PublishedUpdate extends UpdateRecord {
  /** The version to which a failed update can roll back; empty when none is stored. */
  readonly wayBack: string;
}

const NOTHING: PublishedUpdate = {
  stage: 'none',
  version: '',
  why: 'no update has been installed yet',
  wayBack: '',
};
const MAX_RECORD_BYTES = 16_384;
/** In characters. `why` may contain the output of programs, which can be long. */
const MAX_WHY_LENGTH = 1000;

/** Reads and writes these files; `folder` is STATE. Methods throw file system errors. */
export class Slots {
  readonly #folder: string;

  /** Throws UpdateError `unsafe-place` when anyone but root could write there. */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(this.#kept, { recursive: true, mode: 0o755 });
    chmodSync(this.#kept, 0o700);
    isSafeFolder(this.#kept);
  }

  /** A directory for temporary files that only root can enter. */
  get workspace(): string {
    return this.#kept;
  }

  /** The signed file of the last version that worked; undefined when none is stored. Throws UpdateError `unsafe-place`. */
  working(): Uint8Array | undefined {
    const path = this.#at('working.update');
    return existsSync(path) ? readSafeFile(path, MAX_UPDATE_FILE_BYTES) : undefined;
  }

  /** Stores the signed file to which a failed update rolls back. */
  keepWorking(file: Uint8Array): void {
    writeDurable(this.#at('working.update'), file);
  }

  /** Stores the signed file that is being installed. */
  putCandidate(file: Uint8Array): void {
    writeDurable(this.#at('candidate.update'), file);
  }

  /** Makes the candidate the working version. */
  promote(): void {
    renameSync(this.#at('candidate.update'), this.#at('working.update'));
  }

  /** Removes the candidate; does nothing without one. */
  dropCandidate(): void {
    rmSync(this.#at('candidate.update'), { force: true });
  }

  /** The last record. A missing or damaged one is treated as "no update", so that nothing is resumed from it. */
  record(): UpdateRecord {
    return readRecord(this.#at('record.json'), MAX_RECORD_BYTES) ?? NOTHING;
  }

  /** Writes record.json and status.json. `wayBack` is the version of the working file if its signature is valid, otherwise empty. */
  write({ stage, version, why }: UpdateRecord, wayBack: string): void {
    const record = { stage, version, why: why.slice(0, MAX_WHY_LENGTH) };
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

/**
 * The content of status.json in `folder`; stage `none` when it is missing, damaged, larger than 16 KiB or can be changed by anyone but
 * root. Never throws.
 */
export function publishedIn(folder: string): PublishedUpdate {
  return readRecord(join(folder, 'status.json'), MAX_RECORD_BYTES) ?? NOTHING;
}

function readRecord(path: string, maxBytes: number): PublishedUpdate | undefined {
  try {
    const value: unknown = JSON.parse(readSafeFile(path, maxBytes).toString('utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { stage, version, why, wayBack = '' } = value as Record<string, unknown>;
    const known = UPDATE_STAGES.find((each) => each === stage);
    if (known === undefined || typeof version !== 'string' || typeof why !== 'string') return undefined;
    return { stage: known, version, why, wayBack: typeof wayBack === 'string' ? wayBack : '' };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof SyntaxError || error instanceof UpdateError || typeof code === 'string')
      return undefined;
    throw error;
  }
}
