// Knows: that block mode and the boot ruleset are to be on disk, and what a disk that refuses or loses them means. Must not
// know: rules. Which way doubt errs: a torn or foreign file means closed, and a disk that is full or read-only must not keep the
// wire from being closed. What it does not take holds all the same, outlives the process in the runtime directory, is said, and is
// tried again. What it has lost is asked of the other places that know: the rules for the next boot, and the kernel.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurable } from '../../os/durable-file.ts';
import { fileSignature, readRegularFile } from '../../os/regular-file.ts';
import { words } from '../warnings.ts';

const STATE_FILE = 'state.json';
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
    const kept = readKeptMode(parts.stateDir);
    const unkept = readKeptMode(parts.runtimeDir);
    this.#isUnknown = kept.missing === true && !unkept.blockMode;
    this.#blockMode = kept.blockMode || unkept.blockMode;
    this.#warning = kept.warning;
    if (this.#isUnknown && this.#bootRulesetBlocks())
      this.#close('is missing', 'the rules for the next boot block');
    const known = isSure(kept);
    this.#keptMode = known ? kept.blockMode : undefined;
    if (unkept.blockMode && !kept.blockMode) this.#mode = true;
    if (known) this.#note(STATE_FILE);
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

  /** Written and read back, but where the disk says so already: it is asked, for what it held may have been lost since. */
  setBlockMode(on: boolean): void {
    this.#isUnknown = false;
    const held = readKeptMode(this.#parts.stateDir);
    if (this.#mode === undefined && isSure(held) && held.blockMode === on) return;
    this.#mode = on;
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
      fault(`The disk does not take the state of the box (${words(error)}): ${this.#atNextBoot()}.`);
    }
  }

  /** A disk that refuses what it holds already has lost nothing. */
  #writeMode(on: boolean): void {
    const { stateDir } = this.#parts;
    let refusal: unknown;
    try {
      writeKeptMode(stateDir, on);
    } catch (error) {
      refusal = error;
    }
    const held = readKeptMode(stateDir);
    if (!isSure(held) || held.blockMode !== on)
      throw refusal instanceof Error ? refusal : new Error('it does not hold what was written');
    this.#keptMode = on;
    this.#note(STATE_FILE);
  }

  /** The files that are not as they were written, from now on to be written again. */
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

  /** What closes is kept beside; what opens is not, and the next start is then more closed. */
  #outliveProcess(): void {
    if (this.#mode !== true) return;
    try {
      writeKeptMode(this.#parts.runtimeDir, true);
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

/** Block mode as a file says it; `warning` is set when the file was there but could not be trusted. */
export interface KeptMode {
  readonly blockMode: boolean;
  /** There is no file: a new box, or one that lost it. */
  readonly missing?: true;
  readonly warning?: string;
}

/** No file: a new box, in watch mode, unless something else tells of block mode. Anything else that is no valid state: block mode and a warning. */
export function readKeptMode(stateDir: string): KeptMode {
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

function isSure({ missing, warning }: KeptMode): boolean {
  return warning === undefined && missing !== true;
}

export function writeKeptMode(stateDir: string, blockMode: boolean): void {
  writeDurable(join(stateDir, STATE_FILE), `${JSON.stringify({ version: 1, blockMode })}\n`);
}

function closed(problem: string): KeptMode {
  return { blockMode: true, warning: `${problem}; block mode is on until you decide` };
}

function isKeptMode(value: unknown): value is { version: 1; blockMode: boolean } {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'version' in value && value.version === 1 && 'blockMode' in value && typeof value.blockMode === 'boolean'
  );
}
