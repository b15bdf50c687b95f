// Knows: that block mode and the boot ruleset are to be on disk, and what a disk that refuses or loses them means. Must not
// know: rules. Which way doubt errs: a disk that is full or read-only must not keep the wire from being closed. What it does
// not take holds all the same, outlives the process in the runtime directory, is said, and is tried again. What it has lost
// is asked of the other places that know: the rules for the next boot, and the kernel.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurable } from '../../os/durable-file.ts';
import { fileSignature, readRegularFile } from '../../os/regular-file.ts';
import { BOX_STATE_FILE, readBoxState, writeBoxState } from './box-state.ts';
import { words } from '../warnings.ts';

const BOOT_RULESET = 'boot.nft';
/** First line of the rules for the next boot while block mode is on: the second place on disk that tells of it. */
const BLOCK_MARK = '# Block mode is on.\n';

export interface BoxRecordParts {
  readonly stateDir: string;
  readonly runtimeDir: string;
  /** What the disk does not hold, in words; undefined when it holds all. */
  readonly fault: (text: string | undefined) => void;
  /** A file that another hand removed or changed, and that was put back. */
  readonly putBack?: (path: string) => void;
}

export class BoxRecord {
  readonly #parts: BoxRecordParts;
  #blockMode: boolean;
  #warning: string | undefined;
  /** No file says which mode the box was in, or two say different things. */
  #isUnknown: boolean;
  /** The state says that block mode is off, and the rules for the next boot block: no order of writing leaves that behind. */
  readonly #isContradicted: boolean;
  /** What the disk holds; undefined when it cannot be trusted. */
  #keptMode: boolean | undefined;
  /** What the disk was not told yet. */
  #mode: boolean | undefined;
  #ruleset: string | undefined;
  #keptRuleset = '';
  /** Each file as it was when it was written last. */
  readonly #signatures = new Map<string, string>();

  constructor(parts: BoxRecordParts) {
    this.#parts = parts;
    const kept = readBoxState(parts.stateDir);
    const unkept = readBoxState(parts.runtimeDir);
    this.#isUnknown = kept.missing === true && !unkept.state.blockMode;
    this.#blockMode = kept.state.blockMode || unkept.state.blockMode;
    this.#warning = kept.warning;
    if (this.#isUnknown && this.#bootRulesetBlocks())
      this.#close('is missing', 'the rules for the next boot block');
    const known = kept.warning === undefined && kept.missing !== true;
    this.#keptMode = known ? kept.state.blockMode : undefined;
    if (unkept.state.blockMode && !kept.state.blockMode) this.#mode = true;
    if (known) this.#note(BOX_STATE_FILE);
    // Closing writes the state first and opening last. A disk that refused the rules alone is the one other way here: the kernel
    // then tells which of the two is old.
    this.#isContradicted = known && !this.#blockMode && this.#bootRulesetBlocks();
    this.#isUnknown ||= this.#isContradicted;
  }

  /** As it was when the process began. */
  get blockMode(): boolean {
    return this.#blockMode;
  }

  /** What was wrong with the stored state, in words. */
  get warning(): string | undefined {
    return this.#warning;
  }

  /** Nothing on disk says, beyond doubt, which mode the box was in: the kernel may. */
  get isUnknown(): boolean {
    return this.#isUnknown;
  }

  /** What the kernel was found to do, where nothing on disk tells: a new box drops nothing yet, and begins in watch mode. */
  settleUnknown(kernelBlocks: boolean): void {
    if (!this.#isUnknown) return;
    if (kernelBlocks && this.#isContradicted)
      this.#close(
        'says that block mode was off',
        'the rules for the next boot block, and so does the kernel',
      );
    else if (kernelBlocks) this.#close('is missing', 'the kernel still blocks');
    else this.setBlockMode(false);
    this.#isUnknown = false;
  }

  /** Written and read back, also when the disk is believed to hold it: what it holds may have been lost since. */
  setBlockMode(on: boolean): void {
    this.#mode = on;
    this.#isUnknown = false;
    this.settle();
  }

  /** What a boot loads before any program of ours runs. Written only when it changes. */
  setBootRuleset(text: string, blockMode = false): void {
    const marked = blockMode ? `${BLOCK_MARK}${text}` : text;
    this.#ruleset = marked === this.#keptRuleset ? undefined : marked;
    if (this.#ruleset !== undefined) this.settle();
  }

  /** Writes what the disk does not hold yet, or any more. Never throws. */
  settle(): void {
    const { stateDir, runtimeDir, fault } = this.#parts;
    const lost = this.#lost();
    if (this.#mode === undefined && this.#ruleset === undefined) return;
    try {
      mkdirSync(stateDir, { recursive: true, mode: 0o700 });
      if (this.#mode !== undefined) this.#writeMode(this.#mode);
      rmSync(join(runtimeDir, BOX_STATE_FILE), { force: true });
      this.#mode = undefined;
      if (this.#ruleset !== undefined) {
        writeDurable(join(stateDir, BOOT_RULESET), this.#ruleset, 0o644);
        this.#note(BOOT_RULESET);
        this.#keptRuleset = this.#ruleset;
        this.#ruleset = undefined;
      }
      fault(undefined);
      for (const file of lost) this.#parts.putBack?.(join(stateDir, file));
    } catch (error) {
      this.#outliveProcess();
      fault(`The disk does not take the state of the box (${words(error)}): ${this.#atNextBoot()}.`);
    }
  }

  /** A disk that refuses what it holds already has lost nothing. */
  #writeMode(on: boolean): void {
    const { stateDir } = this.#parts;
    let refusal: unknown;
    try {
      writeBoxState(stateDir, { blockMode: on });
    } catch (error) {
      refusal = error;
    }
    const held = readBoxState(stateDir);
    if (held.warning !== undefined || held.missing === true || held.state.blockMode !== on)
      throw refusal instanceof Error ? refusal : new Error('it does not hold what was written');
    this.#keptMode = on;
    this.#note(BOX_STATE_FILE);
  }

  /** The files that are not as they were written, from now on to be written again. */
  #lost(): string[] {
    const lost = [...this.#signatures].flatMap(([file, signature]) =>
      fileSignature(join(this.#parts.stateDir, file)) === signature ? [] : [file],
    );
    if (lost.includes(BOX_STATE_FILE)) this.#mode ??= this.#keptMode;
    if (lost.includes(BOOT_RULESET)) this.#ruleset ??= this.#keptRuleset;
    return lost;
  }

  #note(file: string): void {
    this.#signatures.set(file, fileSignature(join(this.#parts.stateDir, file)));
  }

  #bootRulesetBlocks(): boolean {
    try {
      return readRegularFile(join(this.#parts.stateDir, BOOT_RULESET)).startsWith(BLOCK_MARK);
    } catch {
      return false;
    }
  }

  #close(fault: string, evidence: string): void {
    const path = join(this.#parts.stateDir, BOX_STATE_FILE);
    this.#blockMode = true;
    this.#warning = `${path} ${fault}, but ${evidence}; block mode is on until you decide`;
    this.setBlockMode(true);
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
