#!/usr/bin/node
// Creates the state partition on the boot card at the first start. The power may fail between any two steps: each step checks whether it has
// been done, and the partition's label is set last.

import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { script, shareOut } from './layout.mjs';
import { must, writable } from './run.mjs';

const SKELETON = '/usr/lib/leakguard-image/state';

/** @typedef {{ readonly node: string, readonly start: number, readonly size: number, readonly type: string }} Entry */

/**
 * @param {string} device
 * @returns {{ readonly id: string, readonly partitions: readonly Entry[] }}
 */
function tableOf(device) {
  const output = /** @type {unknown} */ (JSON.parse(must('sfdisk', ['--json', device])));
  const { partitiontable } = /** @type {{ partitiontable: { id: string, partitions: readonly Entry[] } }} */ (
    output
  );
  return partitiontable;
}

/** Reads the label from the partition itself: udev may not have processed it yet, and a complete partition must never be created again. */
function isComplete(/** @type {string} */ device) {
  const words = ['--probe', '--match-tag', 'LABEL', '--output', 'value', device];
  return spawnSync('blkid', words, { encoding: 'utf8' }).stdout.trim() === 'state';
}

/**
 * @param {string} disk
 * @param {number} sectors
 */
function grow(disk, sectors) {
  const { id, partitions } = tableOf(disk);
  const wanted = shareOut(partitions, sectors);
  if (wanted === undefined)
    throw new Error(`${disk} is too small for the history: use a card of 2 GB or more`);
  // The table is one sector, which is written atomically.
  must('sfdisk', ['--force', '--no-reread', '--no-tell-kernel', disk], script(wanted, id));
}

const root = realpathSync(must('findmnt', ['--noheadings', '--output', 'SOURCE', '/']).trim());
const block = dirname(realpathSync(join('/sys/class/block', basename(root))));
const disk = join('/dev', basename(block));
if (tableOf(disk).partitions.length === 2) grow(disk, Number(readFileSync(join(block, 'size'), 'latin1')));
must('partx', ['--update', disk]);

const state = tableOf(disk).partitions[2]?.node;
if (state === undefined) throw new Error(`${disk} has no third partition`);
if (!isComplete(state)) {
  writable('/', () => must('resize2fs', [root]));
  // nodiscard: a new card has nothing to discard, and discarding gigabytes takes minutes on cheap cards.
  const words = ['-q', '-F', '-t', 'ext4', '-E', 'nodiscard', '-L', 'state-unfinished', '-d', SKELETON];
  must('mke2fs', [...words, state]);
  must('sync', []);
  must('e2label', [state, 'state']);
  must('udevadm', ['trigger', '--settle', '--action=change', join('/sys/class/block', basename(state))]);
}
