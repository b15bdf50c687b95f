// Checks that kernel, disk and whoever listens follow each change of the box's state, in the order in which a crash at any moment finds the
// one that lets less through; and that what is refused has not been. The kernel is a firewall that is told when to answer. Holds
// enforcement.ts, state/box-state.ts.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Enforcement } from '../../../appliance/daemon/enforcement.ts';
import { BoxRecord, readStoredMode } from '../../../appliance/daemon/state/box-record.ts';
import { monotonicMs } from '../../../appliance/os/clock.ts';
import { readSession } from '../../../appliance/daemon/state/session-file.ts';
import type { NftElement, NftRuleset } from '../../../src/policy/compile/nft-model.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { BARE, FULL, SPLIT } from '../../policy/policies.ts';

/** Answers when it is told to; `refuses` stands for a kernel that takes nothing. */
class SlowFirewall {
  refuses = false;
  holds: NftRuleset | undefined;
  readonly changed: NftElement[] = [];
  #answers: (() => void)[] = [];
  isSlow = false;

  async apply(compile: () => NftRuleset): Promise<number> {
    const ruleset = compile();
    if (this.isSlow) await new Promise<void>((resolve) => this.#answers.push(resolve));
    if (this.refuses) throw new Error('the kernel refused');
    this.holds = ruleset;
    return monotonicMs();
  }

  async change(come: readonly NftElement[]): Promise<void> {
    this.changed.push(...come);
    return Promise.resolve();
  }

  isStale(): boolean {
    return false;
  }

  /** Resolves when somebody waits for it. */
  async isAsked(): Promise<void> {
    await expect.poll(() => this.#answers.length).toBeGreaterThan(0);
  }

  /** One after another, as they asked. */
  answer(most = Infinity): void {
    for (const answer of this.#answers.splice(0, most)) answer();
  }

  get blocks(): boolean {
    const leak = this.holds?.chains.find(({ name }) => name === 'leak');
    return leak?.rules.join().includes('leak_dropped') === true;
  }
}

const CLIENT = '02:00:00:00:00:0c';
const bridge = { macs: (): string[] => ['02:00:00:00:00:bb'] };
let top = '';
let firewall: SlowFirewall;
let box: Enforcement;
let told: { blockMode: boolean; drops: boolean }[];

beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'leakguard-enforcement-'));
  for (const name of ['state', 'run']) mkdirSync(join(top, name));
  firewall = new SlowFirewall();
  box = begin();
  await box.adopt(BARE, bridge, [], []);
  await box.setWatched(true);
  told.length = 0;
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

/** As the daemon begins. */
function begin(): Enforcement {
  told = [];
  const parts = { stateDir: join(top, 'state'), runtimeDir: join(top, 'run'), fault: () => undefined };
  const record = new BoxRecord(parts);
  record.settleUnknown(false);
  const begun: Enforcement = new Enforcement({
    firewall,
    record,
    runtimeDir: join(top, 'run'),
    canary: [],
    answered: () => [],
    changed: () => {
      told.push({ blockMode: begun.blockMode, drops: begun.drops });
      // Nobody hears that it holds before the disk does.
      if (begun.drops && begun.blockMode) expect([kept(), bootBlocks()]).toEqual([true, true]);
    },
  });
  return begun;
}

const kept = (): boolean => readStoredMode(join(top, 'state')).blockMode;
const bootBlocks = (): boolean =>
  readFileSync(join(top, 'state', 'boot.nft'), 'utf8').includes('# Block mode is on');
const passes = (): number => readSession(join(top, 'run'))?.passes.length ?? 0;

describe('what answers have opened', () => {
  /** Protects one name. */
  const split = (at: number): Policy => ({ ...SPLIT, mustTunnel: SPLIT.mustTunnel.slice(at, at + 1) });
  const emptied = (): readonly string[] => (firewall.holds?.emptied ?? []).map(({ name }) => name);

  it('is forgotten in the transaction that brings other protected names, and after a restart too', async () => {
    await box.adopt(split(0), bridge, [], []);
    expect(emptied()).toEqual(['inuse4', 'inuse6']);
    await box.setBlockMode(true);
    expect(emptied()).toEqual([]);
    firewall.refuses = true;
    await expect(box.adopt(split(1), bridge, [], [])).rejects.toThrow('the kernel refused');
    firewall.refuses = false;
    await box.adopt(split(1), bridge, [], []);
    expect(emptied()).toEqual(['inuse4', 'inuse6']);
    box = begin();
    expect([box.renames(split(1)), box.renames(split(2))]).toEqual([false, true]);
    await box.adopt(split(1), bridge, [], []);
    expect(emptied()).toEqual([]);
    rmSync(join(top, 'run', 'session.json'));
    box = begin();
    await box.adopt(split(1), bridge, [], []);
    expect(emptied()).toEqual(['inuse4', 'inuse6']);
  });
});

describe('block mode', () => {
  it('is on disk before the kernel has it, and told when the kernel does', async () => {
    firewall.isSlow = true;
    const done = box.setBlockMode(true);
    await firewall.isAsked();
    expect([kept(), firewall.blocks, box.blockMode, box.drops]).toEqual([true, false, false, false]);
    firewall.answer();
    await done;
    expect([kept(), bootBlocks(), firewall.blocks, box.blockMode, box.drops]).toEqual(Array(5).fill(true));
    expect(told.at(-1)).toEqual({ blockMode: true, drops: true });
  });

  it('that ends is no breach from the moment it is meant, and off on disk when the kernel let go', async () => {
    await box.setBlockMode(true);
    firewall.isSlow = true;
    const done = box.setBlockMode(false);
    await firewall.isAsked();
    expect(told.at(-1)).toEqual({ blockMode: true, drops: false });
    expect([kept(), firewall.blocks]).toEqual([true, true]);
    firewall.answer();
    await done;
    expect([kept(), bootBlocks(), firewall.blocks, box.blockMode]).toEqual(Array(4).fill(false));
  });

  it.each([true, false])('that the kernel refuses to turn %s stays as it was, everywhere', async (on) => {
    await box.setBlockMode(!on);
    firewall.refuses = true;
    await expect(box.setBlockMode(on)).rejects.toThrow('the kernel refused');
    const before = !on;
    expect([kept(), bootBlocks(), firewall.blocks, box.blockMode, box.drops]).toEqual(Array(5).fill(before));
    expect(told.at(-1)).toEqual({ blockMode: before, drops: before });
  });

  it('is as the last of several calls has it', async () => {
    await Promise.all([box.setBlockMode(true), box.setBlockMode(false), box.setBlockMode(true)]);
    expect([kept(), firewall.blocks, box.blockMode]).toEqual([true, true, true]);
  });

  it('is what a process finds that begins in the middle of closing', async () => {
    firewall.isSlow = true;
    const done = box.setBlockMode(true);
    await firewall.isAsked();
    expect(begin().blockMode).toBe(true);
    firewall.answer();
    await done;
  });
});

describe('a pass', () => {
  it('is refused while block mode is off, and ends with block mode', async () => {
    await expect(box.openPass(60, undefined)).rejects.toThrow('block mode is off');
    expect([box.passUntil, passes()]).toEqual([undefined, 0]);
    await box.setBlockMode(true);
    await box.openPass(60, undefined);
    expect(box.passUntil).toBeDefined();
    // Behind what is being switched off it comes too late.
    const [off, late] = await Promise.allSettled([box.setBlockMode(false), box.openPass(60, CLIENT)]);
    expect([off.status, late.status]).toEqual(['fulfilled', 'rejected']);
    expect([box.passUntil, passes()]).toEqual([undefined, 0]);
  });

  it('is written down when it is open, and taken out of the record before it ends', async () => {
    await box.setBlockMode(true);
    firewall.isSlow = true;
    const opened = box.openPass(60, CLIENT);
    await firewall.isAsked();
    expect(passes()).toBe(0);
    firewall.answer();
    await opened;
    expect(passes()).toBe(1);
    const ended = box.endPass();
    await firewall.isAsked();
    expect(passes()).toBe(0);
    firewall.answer();
    await ended;
    expect(box.passUntil).toBeUndefined();
  });

  it('that the kernel refuses is none, and what was seen meanwhile stays', async () => {
    await box.setBlockMode(true);
    firewall.isSlow = true;
    const opened = box.openPass(60, undefined).catch((error: unknown) => String(error));
    await firewall.isAsked();
    firewall.refuses = true;
    const lost = box.setWatched(false).catch((error: unknown) => String(error));
    firewall.answer();
    firewall.isSlow = false;
    firewall.answer();
    expect(await opened).toContain('the kernel refused');
    expect(await lost).toContain('the kernel refused');
    expect(box.passUntil).toBeUndefined();
    firewall.refuses = false;
    // Nobody has to ask for it: the next round finds that the kernel is behind.
    expect(box.keepAlive(new Set())).toBe(true);
    await box.apply();
    expect([firewall.blocks, box.drops, box.blockMode]).toEqual([true, true, true]);
    expect(box.keepAlive(new Set())).toBe(false);
  });

  it('and what the rules watch come back with the next process', async () => {
    await box.setBlockMode(true);
    await box.openPass(60, CLIENT);
    const until = monotonicMs() + 600_000;
    await box.expose([{ address: '203.0.113.1', name: 'bank.example', until }]);
    expect(firewall.changed).toMatchObject([{ set: 'exposed4', key: '203.0.113.1' }]);
    box = begin();
    await box.adopt(BARE, bridge, [], []);
    expect(box.passUntil).toBeGreaterThan(monotonicMs());
    expect(box.learned().exposed).toMatchObject([{ address: '203.0.113.1', name: 'bank.example' }]);
    box.hide(() => '');
    expect(readSession(join(top, 'run'))?.exposed.map(({ name }) => name)).toEqual(['']);
  });
});

describe('what the kernel has not said that it has', () => {
  it('is given again, though something that was asked before it came through meanwhile', async () => {
    firewall.isSlow = true;
    const before = box.apply();
    await firewall.isAsked();
    const closing = box.setWatched(false).catch((error: unknown) => String(error));
    firewall.answer(1);
    await before;
    firewall.refuses = true;
    firewall.isSlow = false;
    firewall.answer();
    expect(await closing).toContain('the kernel refused');
    expect(box.keepAlive(new Set())).toBe(true);
  });

  it('is given again, where taking it back failed as well', async () => {
    firewall.refuses = true;
    await expect(box.setBlockMode(true)).rejects.toThrow('the kernel refused');
    expect(box.keepAlive(new Set())).toBe(true);
    firewall.refuses = false;
    await box.apply();
    expect([firewall.blocks, box.keepAlive(new Set())]).toEqual([false, false]);
  });

  it('is still open: a pass that is being ended', async () => {
    await box.setBlockMode(true);
    await box.openPass(60, undefined);
    firewall.isSlow = true;
    const ended = box.endPass();
    await firewall.isAsked();
    expect(box.passUntil).toBeGreaterThan(monotonicMs());
    firewall.answer();
    await ended;
    expect(box.passUntil).toBeUndefined();
  });

  it('is given when a pass has run out, once', async () => {
    await box.setBlockMode(true);
    await box.openPass(1, undefined);
    expect(box.keepAlive(new Set())).toBe(false);
    await expect.poll(() => box.passUntil, { timeout: 10_000 }).toBeUndefined();
    expect(box.keepAlive(new Set())).toBe(true);
    await box.apply();
    expect(box.keepAlive(new Set())).toBe(false);
  });
});

describe('a policy', () => {
  it('that the kernel refuses leaves the one before in force', async () => {
    firewall.refuses = true;
    await expect(box.adopt(FULL, bridge, [], [])).rejects.toThrow('the kernel refused');
    expect(box.policy).toBe(BARE);
  });

  it('that is none closes, and nothing is written of it', async () => {
    rmSync(join(top, 'state', 'boot.nft'));
    const closed = begin();
    await closed.apply();
    expect(firewall.holds?.counters).toContain('closed_dropped');
    expect([closed.drops, existsSync(join(top, 'state', 'boot.nft'))]).toEqual([false, false]);
  });

  it('and its mode are the rules of the next boot, which are written when they change', async () => {
    const path = join(top, 'state', 'boot.nft');
    rmSync(path);
    await box.apply();
    expect(existsSync(path)).toBe(false);
    await box.setBlockMode(true);
    expect([existsSync(path), bootBlocks()]).toEqual([true, true]);
  });
});

it('while nobody reads the wire it is closed, unless the policy says open', async () => {
  await box.setWatched(false);
  expect([firewall.blocks, box.drops, box.blockMode]).toEqual([true, true, false]);
  await box.adopt({ ...BARE, relock: 'open' }, bridge, [], []);
  expect([firewall.blocks, box.drops]).toEqual([false, false]);
});
