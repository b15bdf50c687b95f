// Block mode and the boot ruleset on disk, and what to do when the disk refuses or loses them. When in doubt, the box closes: a damaged
// file means block mode, and a full or read-only disk must not prevent closing. What cannot be written is in force all the same, survives
// this process in the runtime directory, is reported, and is tried again. When the state file is lost, the rules for the next boot and the
// kernel are consulted.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurable } from '../../os/durable-file.ts';
import { fileSignature, readRegularFile } from '../../os/regular-file.ts';
import { errorText } from '../warnings.ts';

const STATE_FILE = 'state.json';
const BOOT_RULESET = 'boot.nft';
/** First line of the rules for the next boot while block mode is on: the second record of it on disk. */
const BLOCK_MARK = '# Block mode is on.\n';

/** Where block mode is kept, and who is told when it cannot be. `stateDir` survives a power cut, `runtimeDir` this process only. */
export interface BoxRecordParts {
  readonly stateDir: string;
  readonly runtimeDir: string;
  /** Called with a sentence about what the disk does not hold; undefined when it holds everything. */
  readonly fault: (text: string | undefined) => void;
  /** Called with a file that another program removed or changed, and that was restored. */
  readonly putBack?: (path: string) => void;
}

/** Block mode and boot rules of one box. The constructor reads the files; no method throws. */
export class BoxRecord {
  readonly #parts: BoxRecordParts;
  #blockMode: boolean;
  #warning: string | undefined;
  /** No file says which mode the box was in, or two contradict each other. */
  #isUnknown: boolean;
  /** The state file says that block mode is off, but the rules for the next boot block: no order of our own writes leaves that. */
  readonly #isContradicted: boolean;
  /** What the disk holds; undefined when it cannot be trusted. */
  #keptMode: boolean | undefined;
  #keptRuleset = '';
  /** What is still to be written; undefined when nothing is. */
  #mode: boolean | undefined;
  #ruleset: string | undefined;
  /** Signature of each file when it was last written. */
  readonly #signatures = new Map<string, string>();

  constructor(parts: BoxRecordParts) {
    this.#parts = parts;
    const kept = readStoredMode(parts.stateDir);
    const unkept = readStoredMode(parts.runtimeDir);
    this.#isUnknown = kept.missing === true && !unkept.blockMode;
    this.#blockMode = kept.blockMode || unkept.blockMode;
    this.#warning = kept.warning;
    if (this.#isUnknown && this.#bootRulesetBlocks())
      this.#close('is missing', 'the rules for the next boot block');
    const known = isSure(kept);
    this.#keptMode = known ? kept.blockMode : undefined;
    if (unkept.blockMode && !kept.blockMode) this.#mode = true;
    if (known) this.#note(STATE_FILE);
    // The state file is written before the rules when closing, and after them when opening. So this contradiction means a lost write, and the
    // kernel tells which of the two files is out of date.
    this.#isContradicted = known && !this.#blockMode && this.#bootRulesetBlocks();
    this.#isUnknown ||= this.#isContradicted;
  }

  /** Block mode as it was when the process started, on when in doubt; `settleUnknown` may correct it. */
  get blockMode(): boolean {
    return this.#blockMode;
  }

  /** What was wrong with the stored state, one sentence without a full stop; undefined when nothing was. */
  get warning(): string | undefined {
    return this.#warning;
  }

  /** The disk does not say beyond doubt which mode the box was in: `settleUnknown` needs the kernel's answer. */
  get isUnknown(): boolean {
    return this.#isUnknown;
  }

  /** Decides an unknown mode by whether the kernel blocks. A new box does not block yet, and starts in watch mode. */
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

  /** Writes block mode and reads it back, unless the disk still holds it: the file is read, for it may have been lost meanwhile. Never throws. */
  setBlockMode(on: boolean): void {
    this.#isUnknown = false;
    const stored = readStoredMode(this.#parts.stateDir);
    if (this.#mode === undefined && isSure(stored) && stored.blockMode === on) return;
    this.#mode = on;
    this.settle();
  }

  /** The rules that a boot loads before any of our programs runs, a text for `nft -f`. Written only when they change. Never throws. */
  setBootRuleset(text: string, blockMode = false): void {
    const marked = blockMode ? `${BLOCK_MARK}${text}` : text;
    this.#ruleset = marked === this.#keptRuleset ? undefined : marked;
    if (this.#ruleset !== undefined) this.settle();
  }

  /** Writes what the disk does not hold yet or has lost. Never throws. */
  settle(): void {
    const { stateDir, runtimeDir, fault } = this.#parts;
    const lost = this.#lost();
    if (this.#mode === undefined && this.#ruleset === undefined) return;
    try {
      mkdirSync(stateDir, { recursive: true, mode: 0o700 });
      if (this.#mode !== undefined) this.#writeMode(this.#mode);
      rmSync(join(runtimeDir, STATE_FILE), { force: true });
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
      fault(`The state of the box cannot be written to disk (${errorText(error)}): ${this.#atNextBoot()}.`);
    }
  }

  /** What counts is what the disk holds afterwards: a failed write is not an error when the file has that mode anyway. */
  #writeMode(on: boolean): void {
    const { stateDir } = this.#parts;
    let refusal: unknown;
    try {
      writeStoredMode(stateDir, on);
    } catch (error) {
      refusal = error;
    }
    const stored = readStoredMode(stateDir);
    if (!isSure(stored) || stored.blockMode !== on)
      throw refusal instanceof Error ? refusal : new Error('it does not hold what was written');
    this.#keptMode = on;
    this.#note(STATE_FILE);
  }

  /** Finds files that are not as they were written, and marks them to be written again. */
  #lost(): string[] {
    const lost = [...this.#signatures].flatMap(([file, signature]) =>
      fileSignature(join(this.#parts.stateDir, file)) === signature ? [] : [file],
    );
    if (lost.includes(STATE_FILE)) this.#mode ??= this.#keptMode;
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
    const path = join(this.#parts.stateDir, STATE_FILE);
    this.#blockMode = true;
    this.#warning = `${path} ${fault}, but ${evidence}; block mode is on until you decide`;
    this.setBlockMode(true);
  }

  /** Saves block mode in the runtime directory when it is on. When it is off it is not saved: the next start may block, never the reverse. */
  #outliveProcess(): void {
    if (this.#mode !== true) return;
    try {
      writeStoredMode(this.#parts.runtimeDir, true);
    } catch {
      // Neither directory can be written: the warning that follows says what a restart would do.
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

/** Block mode according to a state file; `warning` is set when the file exists but cannot be trusted. */
export interface StoredMode {
  readonly blockMode: boolean;
  /** There is no file: a new box, or the file was lost. */
  readonly missing?: true;
  readonly warning?: string;
}

/**
 * Reads the state file (state.json, `{"version":1,"blockMode":…}`) in this directory. Without one: watch mode, and `missing`. One that
 * cannot be read or is invalid: block mode, and a warning. Never throws.
 */
export function readStoredMode(stateDir: string): StoredMode {
  const path = join(stateDir, STATE_FILE);
  let text: string;
  try {
    text = readRegularFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { blockMode: false, missing: true };
    return closed(`${path} cannot be read (${String(error)})`);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isKeptMode(value)) return { blockMode: value.blockMode };
  } catch {
    return closed(`${path} is damaged`);
  }
  return closed(`${path} does not hold a state of Leakguard`);
}

function isSure({ missing, warning }: StoredMode): boolean {
  return warning === undefined && missing !== true;
}

/** Replaces the state file durably: after a power cut it holds the old mode or the new one. Throws file system errors; the old file then stays. */
export function writeStoredMode(stateDir: string, blockMode: boolean): void {
  writeDurable(join(stateDir, STATE_FILE), `${JSON.stringify({ version: 1, blockMode })}\n`);
}

function closed(problem: string): StoredMode {
  return { blockMode: true, warning: `${problem}; block mode is on until you decide` };
}

function isKeptMode(value: unknown): value is { version: 1; blockMode: boolean } {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'version' in value && value.version === 1 && 'blockMode' in value && typeof value.blockMode === 'boolean'
  );
}
