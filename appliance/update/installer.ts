// Knows: the order of an update: closed wire, candidate, proof, and back to what worked when the proof is not given.
// Must not know: dpkg, systemd, files' places. A power cut at any point is gone on from by `resume`.

import { UpdateError, readUpdate } from './bundle.ts';
import type { UpdateHead } from './bundle.ts';
import type { Slots, UpdateRecord } from './slots.ts';

/** What an update asks of the machine; every method rejects when it could not be done. */
export interface UpdateSystem {
  readonly architecture: string;
  installedVersion(): Promise<string>;
  /** Whether `version` is newer than `than`, as Debian compares. */
  isNewer(version: string, than: string): Promise<boolean>;
  /** Nothing crosses the bridge from now on, whatever programs run. */
  closeWire(): Promise<void>;
  /** Unpacks and configures a package over what is there, also over what was left half done. */
  install(path: string): Promise<void>;
  /** Starts the daemon of what is installed; rejects when it does not say in time that it is ready and sees. */
  restart(): Promise<void>;
}

export class UpdateInstaller {
  readonly #slots: Slots;
  readonly #system: UpdateSystem;

  constructor(slots: Slots, system: UpdateSystem) {
    this.#slots = slots;
    this.#system = system;
  }

  /** Installs what was uploaded. Throws UpdateError when it is not to be touched at all; nothing has changed then. */
  async update(file: Uint8Array, keys: readonly string[]): Promise<UpdateRecord> {
    let head: UpdateHead;
    try {
      head = await this.#accept(file, keys);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#slots.dropCandidate();
      this.#note('refused', '', why);
      throw error;
    }
    this.#note('installing', head.version, 'the wire is closed meanwhile');
    try {
      await this.#system.closeWire();
      await this.#system.install(this.#slots.candidate);
      await this.#system.restart();
    } catch (error) {
      return this.#back(head.version, words(error));
    }
    this.#slots.promote();
    this.#slots.dropCandidate();
    return this.#note('updated', head.version, 'the new version is ready and sees the wire');
  }

  /** After a start of the machine: what was under way is not known to work, so what worked before comes back. */
  async resume(): Promise<UpdateRecord> {
    const record = this.#slots.record();
    if (record.stage !== 'installing' && record.stage !== 'rolling-back') return record;
    return this.#back(record.version, 'the power went during the update');
  }

  async #accept(file: Uint8Array, keys: readonly string[]): Promise<UpdateHead> {
    const update = readUpdate(file, keys);
    const { version, architecture } = update.head;
    if (architecture !== this.#system.architecture)
      throw new UpdateError(
        'not-for-this-box',
        `this update is for ${architecture}, the box is ${this.#system.architecture}`,
      );
    const installed = await this.#system.installedVersion();
    // A signature does not go stale: an old version with a known hole bears one too.
    if (!(await this.#system.isNewer(version, installed)))
      throw new UpdateError('older', `version ${version} is not newer than ${installed}`);
    if (!this.#slots.hasWorking)
      throw new UpdateError('no-way-back', 'the package of the version that works is not kept on this box');
    this.#slots.putCandidate(update.package);
    return update.head;
  }

  async #back(version: string, why: string): Promise<UpdateRecord> {
    this.#note('rolling-back', version, why);
    try {
      await this.#system.closeWire();
      await this.#system.install(this.#slots.working);
      await this.#system.restart();
    } catch (error) {
      // The wire stays closed; a next start of the machine does not try again what failed twice.
      this.#slots.dropCandidate();
      return this.#note(
        'failed',
        version,
        `${why}; and what worked before did not come back: ${words(error)}`,
      );
    }
    this.#slots.dropCandidate();
    return this.#note('rolled-back', version, why);
  }

  #note(stage: UpdateRecord['stage'], version: string, why: string): UpdateRecord {
    const record = { stage, version, why };
    this.#slots.write(record);
    return record;
  }
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
