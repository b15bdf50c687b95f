// The order of an update: block all traffic, install the new version, wait until it sees the wire, otherwise roll back.
// `resume` handles a power cut at any point. A file is read into memory once, its signature is verified there, and exactly
// those bytes are installed.

import { UpdateError, readUpdate } from './bundle.ts';
import type { Update } from './bundle.ts';
import type { Slots, UpdateRecord } from './slots.ts';

/** What an update needs from the machine; every method rejects on failure. */
export interface UpdateSystem {
  /** As dpkg names it: `arm64`. */
  readonly architecture: string;
  /** The version of the installed package, as dpkg gives it. */
  installedVersion(): Promise<string>;
  /** Whether `version` is newer than `than`, as Debian compares. */
  isNewer(version: string, than: string): Promise<boolean>;
  /** Ends all processes of the installed version, and blocks all traffic on the bridge. */
  closeWire(): Promise<void>;
  /** Installs a package over the present state, even over a half-finished installation. */
  install(content: Uint8Array): Promise<void>;
  /** Starts the installed daemon; rejects unless `version` reports in time that it is ready and sees the wire. */
  restart(version: string): Promise<void>;
}

/** Installs, stores and rolls back updates; the result is recorded in the slots. */
export class UpdateInstaller {
  readonly #slots: Slots;
  readonly #system: UpdateSystem;
  readonly #keys: readonly string[] | UpdateError;

  /** `keys`: the publishers' public keys in PEM (keys.ts), or why they cannot be trusted: then no update is installed. */
  constructor(slots: Slots, system: UpdateSystem, keys: readonly string[] | UpdateError) {
    this.#slots = slots;
    this.#system = system;
    this.#keys = keys;
  }

  /**
   * Installs an update file. A file of the version that is already installed is only stored for rollback. Rejects with UpdateError when the
   * file is refused; nothing has changed then. A failed installation does not reject: it is rolled back, and the record says so
   * (`rolled-back`, or `failed` when that failed, too).
   */
  async update(file: Uint8Array): Promise<UpdateRecord> {
    let update: Update;
    let back: Update;
    try {
      update = this.#signed(file);
      const installed = await this.#system.installedVersion();
      if (update.head.version === installed) return this.#keep(file, update);
      await this.#mayReplace(update, installed);
      back = this.#rollbackTo(installed);
      this.#slots.putCandidate(file);
    } catch (error) {
      this.#slots.dropCandidate();
      if (error instanceof UpdateError) this.#note('refused', '', error.message);
      throw error;
    }
    const { version } = update.head;
    this.#note('installing', version, 'all traffic is blocked meanwhile');
    try {
      await this.#lay(update);
    } catch (error) {
      return this.#back(back, version, words(error));
    }
    this.#slots.promote();
    return this.#note('updated', version, 'the new version is ready and sees the wire');
  }

  /** Stores the signed file of the installed version for rollback. Rejects with UpdateError when the file is refused or is of another version. */
  async keep(file: Uint8Array): Promise<UpdateRecord> {
    const update = this.#signed(file);
    const installed = await this.#system.installedVersion();
    if (update.head.version !== installed)
      throw new UpdateError(
        'no-way-back',
        `version ${installed} is installed, so a file of version ${update.head.version} cannot be used for rollback`,
      );
    return this.#keep(file, update);
  }

  /**
   * To be called after a start of the machine: rolls back an update that was interrupted; otherwise returns the last record, stage `none`
   * when there is none.
   */
  async resume(): Promise<UpdateRecord> {
    const { stage, version } = this.#slots.record();
    if (stage !== 'installing' && stage !== 'rolling-back') return this.#slots.record();
    const why = 'the power failed during the update';
    const back = this.#working();
    if (back !== undefined) return this.#back(back, version, why);
    await this.#system.closeWire();
    this.#slots.dropCandidate();
    return this.#note('failed', version, `${why}, and no signed file is stored for rollback`);
  }

  #signed(file: Uint8Array): Update {
    if (this.#keys instanceof UpdateError) throw this.#keys;
    const update = readUpdate(file, this.#keys);
    const { architecture } = update.head;
    if (architecture !== this.#system.architecture)
      throw new UpdateError(
        'not-for-this-box',
        `this update is for ${architecture}, but this box is ${this.#system.architecture}`,
      );
    return update;
  }

  /** Refuses downgrades that the publisher has not allowed: an old version with a known vulnerability has a valid signature, too. */
  async #mayReplace({ head }: Update, installed: string): Promise<void> {
    const { version, downgradeFrom } = head;
    if (downgradeFrom.includes(installed) || (await this.#system.isNewer(version, installed))) return;
    throw new UpdateError(
      'older',
      `version ${version} is not newer than ${installed}, and its publisher has not signed that it may replace it`,
    );
  }

  /** Checked before anything changes: without a signed file of the installed version, rollback is impossible. */
  #rollbackTo(installed: string): Update {
    const back = this.#working();
    if (back?.head.version === installed) return back;
    throw new UpdateError('no-way-back', `no signed file of version ${installed} is stored on this box`);
  }

  /** The file in the slot is verified like an uploaded one: a version signed with a key that is no longer trusted cannot be rolled back to. */
  #working(): Update | undefined {
    try {
      const file = this.#slots.working();
      return file === undefined ? undefined : this.#signed(file);
    } catch (error) {
      if (error instanceof UpdateError) return undefined;
      throw error;
    }
  }

  #keep(file: Uint8Array, { head }: Update): UpdateRecord {
    this.#slots.keepWorking(file);
    return this.#note('kept', head.version, 'a failed update rolls back to it');
  }

  async #lay({ head, package: content }: Update): Promise<void> {
    await this.#system.closeWire();
    await this.#system.install(content);
    const installed = await this.#system.installedVersion();
    if (installed !== head.version)
      throw new Error(`the package signed as ${head.version} installed ${installed}`);
    await this.#system.restart(head.version);
  }

  async #back(back: Update, version: string, why: string): Promise<UpdateRecord> {
    this.#note('rolling-back', version, why);
    try {
      await this.#lay(back);
    } catch (error) {
      // All traffic stays blocked; the next start of the machine does not try again, since both versions have failed.
      this.#slots.dropCandidate();
      return this.#note('failed', version, `${why}, and the rollback failed: ${words(error)}`);
    }
    this.#slots.dropCandidate();
    return this.#note('rolled-back', version, why);
  }

  #note(stage: UpdateRecord['stage'], version: string, why: string): UpdateRecord {
    const record = { stage, version, why };
    this.#slots.write(record, this.#working()?.head.version ?? '');
    return record;
  }
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
