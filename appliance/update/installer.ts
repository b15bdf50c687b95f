// Knows: the order of an update: closed wire, candidate, proof, and back to what worked when the proof is not given.
// Must not know: dpkg, systemd, files' places. A power cut at any point is gone on from by `resume`.
// Whatever is installed was read into memory once, its signature looked at there, and those bytes are what is handed on.

import { UpdateError, readUpdate } from './bundle.ts';
import type { Update } from './bundle.ts';
import type { Slots, UpdateRecord } from './slots.ts';

/** What an update asks of the machine; every method rejects when it could not be done. */
export interface UpdateSystem {
  readonly architecture: string;
  installedVersion(): Promise<string>;
  /** Whether `version` is newer than `than`, as Debian compares. */
  isNewer(version: string, than: string): Promise<boolean>;
  /** No program of the version that was judges or writes any more, and nothing crosses the bridge from now on. */
  closeWire(): Promise<void>;
  /** Unpacks and configures a package over what is there, also over what was left half done. */
  install(content: Uint8Array): Promise<void>;
  /** Starts the daemon of what is installed; rejects when that version does not say in time that it is ready and sees. */
  restart(version: string): Promise<void>;
}

export class UpdateInstaller {
  readonly #slots: Slots;
  readonly #system: UpdateSystem;
  readonly #keys: readonly string[] | UpdateError;

  /** `keys`: public, PEM, of whoever may publish (keys.ts), or why none can be believed: then nothing is installed at all. */
  constructor(slots: Slots, system: UpdateSystem, keys: readonly string[] | UpdateError) {
    this.#slots = slots;
    this.#system = system;
    this.#keys = keys;
  }

  /**
   * Installs a file that somebody sent. One of the very version that is installed is kept to come back to, and nothing else
   * changes. Throws UpdateError when it is not to be touched at all; nothing has changed then.
   */
  async update(file: Uint8Array): Promise<UpdateRecord> {
    let update: Update;
    let back: Update;
    try {
      update = this.#signed(file);
      const installed = await this.#system.installedVersion();
      if (update.head.version === installed) return this.#keep(file, update);
      await this.#mayReplace(update, installed);
      back = this.#wayBackTo(installed);
      this.#slots.putCandidate(file);
    } catch (error) {
      this.#slots.dropCandidate();
      if (error instanceof UpdateError) this.#note('refused', '', error.message);
      throw error;
    }
    const { version } = update.head;
    this.#note('installing', version, 'the wire is closed meanwhile');
    try {
      await this.#lay(update);
    } catch (error) {
      return this.#back(back, version, words(error));
    }
    this.#slots.promote();
    return this.#note('updated', version, 'the new version is ready and sees the wire');
  }

  /** Keeps the signed file of the version that is installed: what a failed update comes back to. Throws UpdateError. */
  async keep(file: Uint8Array): Promise<UpdateRecord> {
    const update = this.#signed(file);
    const installed = await this.#system.installedVersion();
    if (update.head.version !== installed)
      throw new UpdateError(
        'no-way-back',
        `version ${installed} is installed; ${update.head.version} is no way back to it`,
      );
    return this.#keep(file, update);
  }

  /** After a start of the machine: what was under way is not known to work, so what worked before comes back. */
  async resume(): Promise<UpdateRecord> {
    const { stage, version } = this.#slots.record();
    if (stage !== 'installing' && stage !== 'rolling-back') return this.#slots.record();
    const why = 'the power went during the update';
    const back = this.#working();
    if (back !== undefined) return this.#back(back, version, why);
    await this.#system.closeWire();
    this.#slots.dropCandidate();
    return this.#note('failed', version, `${why}; and nothing signed is kept to come back to`);
  }

  #signed(file: Uint8Array): Update {
    if (this.#keys instanceof UpdateError) throw this.#keys;
    const update = readUpdate(file, this.#keys);
    const { architecture } = update.head;
    if (architecture !== this.#system.architecture)
      throw new UpdateError(
        'not-for-this-box',
        `this update is for ${architecture}, the box is ${this.#system.architecture}`,
      );
    return update;
  }

  /** A signature does not go stale: an old version with a known hole bears one too. */
  async #mayReplace({ head }: Update, installed: string): Promise<void> {
    const { version, downgradeFrom } = head;
    if (downgradeFrom.includes(installed) || (await this.#system.isNewer(version, installed))) return;
    throw new UpdateError(
      'older',
      `version ${version} is not newer than ${installed}, and its publisher has not signed that it may replace it`,
    );
  }

  /** Said before anything changes: without a signed file of what works now there is nothing to come back to. */
  #wayBackTo(installed: string): Update {
    const back = this.#working();
    if (back?.head.version === installed) return back;
    throw new UpdateError('no-way-back', `no signed file of version ${installed} is kept on this box`);
  }

  /** What lies in the slot is believed no more than what was sent: a key that is trusted no longer has no way back either. */
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
    return this.#note('kept', head.version, 'an update that fails comes back to it');
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
    this.#slots.write(record, this.#working()?.head.version ?? '');
    return record;
  }
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
