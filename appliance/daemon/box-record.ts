// Knows: that block mode and the boot ruleset are to be on disk, and what a disk that refuses them means. Must not know: rules.
// Which way doubt errs: a disk that is full or read-only must not keep the wire from being closed. What it does not take holds
// all the same, outlives the process in the runtime directory, is said, and is tried again.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurable } from '../durable-file.ts';
import { BOX_STATE_FILE, readBoxState, writeBoxState } from './box-state.ts';
import { words } from './warnings.ts';

const BOOT_RULESET = 'boot.nft';

export interface BoxRecordParts {
  readonly stateDir: string;
  readonly runtimeDir: string;
  /** What the disk does not hold, in words; undefined when it holds all. */
  readonly fault: (text: string | undefined) => void;
}

export class BoxRecord {
  readonly #parts: BoxRecordParts;
  /** As it was when the process began. */
  readonly blockMode: boolean;
  /** What was wrong with the stored state, in words. */
  readonly warning: string | undefined;
  /** What the disk holds; undefined when it cannot be trusted. */
  #keptMode: boolean | undefined;
  /** What the disk was not told yet. */
  #mode: boolean | undefined;
  #ruleset: string | undefined;
  #keptRuleset = '';

  constructor(parts: BoxRecordParts) {
    this.#parts = parts;
    const kept = readBoxState(parts.stateDir);
    const unkept = readBoxState(parts.runtimeDir);
    this.blockMode = kept.state.blockMode || unkept.state.blockMode;
    this.warning = kept.warning;
    this.#keptMode = kept.warning === undefined ? kept.state.blockMode : undefined;
    if (unkept.state.blockMode && !kept.state.blockMode) this.#mode = true;
  }

  setBlockMode(on: boolean): void {
    this.#mode = on;
    this.settle();
  }

  /** What a boot loads before any program of ours runs. Written only when it changes. */
  setBootRuleset(text: string): void {
    this.#ruleset = text === this.#keptRuleset ? undefined : text;
    if (this.#ruleset !== undefined) this.settle();
  }

  /** Writes what the disk does not hold yet. Never throws. */
  settle(): void {
    if (this.#mode === undefined && this.#ruleset === undefined) return;
    const { stateDir, runtimeDir, fault } = this.#parts;
    try {
      if (this.#mode !== undefined && this.#mode !== this.#keptMode)
        writeBoxState(stateDir, { blockMode: this.#mode });
      this.#keptMode = this.#mode ?? this.#keptMode;
      rmSync(join(runtimeDir, BOX_STATE_FILE), { force: true });
      this.#mode = undefined;
      if (this.#ruleset !== undefined) {
        writeDurable(join(stateDir, BOOT_RULESET), this.#ruleset, 0o644);
        this.#keptRuleset = this.#ruleset;
        this.#ruleset = undefined;
      }
      fault(undefined);
    } catch (error) {
      this.#outliveProcess();
      fault(`The disk does not take the state of the box (${words(error)}): ${this.#atNextBoot()}.`);
    }
  }

  /** What closes is kept beside; what opens is not, and the next start is then more closed. */
  #outliveProcess(): void {
    if (this.#mode !== true) return;
    try {
      writeBoxState(this.#parts.runtimeDir, { blockMode: true });
    } catch {
      // Both places refuse: the message that follows says what a restart would do.
      return;
    }
  }

  #atNextBoot(): string {
    if (this.#mode === undefined) return 'it would boot with older rules';
    return this.#mode
      ? 'block mode is on, but after a power cut it may be off'
      : 'block mode is off, but after a restart it is on again';
  }
}
