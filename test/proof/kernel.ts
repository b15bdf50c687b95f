// How a ruleset gets into the kernel and back out of it, in a network namespace of its own.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FAMILY, TABLE } from '../../src/policy/compile/nft-model.ts';

const run = promisify(execFile);
const MOST = { maxBuffer: 256 << 20 };

/** One namespace; `close` takes it away. */
export class Kernel {
  readonly #space: string;
  readonly #directory: string;

  private constructor(space: string, directory: string) {
    this.#space = space;
    this.#directory = directory;
  }

  static async open(id: string): Promise<Kernel> {
    const space = `lgproof-${id}`;
    await run('ip', ['netns', 'add', space]);
    return new Kernel(space, await mkdtemp(join(tmpdir(), 'leakguard-proof-')));
  }

  /** Loads it and returns what the kernel gives back: bytecode, then the listing. */
  async bytecode(ruleset: string): Promise<string> {
    await this.load(ruleset);
    return this.loaded();
  }

  async load(ruleset: string): Promise<void> {
    const path = join(this.#directory, 'ruleset.nft');
    await writeFile(path, `flush ruleset\n${ruleset}`);
    await this.#nft('-f', path);
  }

  /** The bytecode of what was loaded last. */
  async loaded(): Promise<string> {
    return this.#nft('--debug=netlink', 'list', 'ruleset');
  }

  /** The same as the daemon reads it back. */
  async listing(): Promise<unknown> {
    return JSON.parse(await this.#nft('-j', 'list', 'table', FAMILY, TABLE));
  }

  async close(): Promise<void> {
    await run('ip', ['netns', 'del', this.#space]);
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #nft(...args: readonly string[]): Promise<string> {
    return (await run('ip', ['netns', 'exec', this.#space, 'nft', ...args], MOST)).stdout;
  }
}
