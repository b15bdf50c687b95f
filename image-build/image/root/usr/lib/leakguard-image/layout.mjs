// The partitions of a card: the root partition grows, and the rest becomes the state partition. The table is a master boot record (DOS
// label): sectors of 512 bytes, at most four partitions. Partitions begin at whole mebibytes.

/** @typedef {{ readonly start: number, readonly size: number, readonly type: string }} Partition in sectors */

/** In sectors. */
const MEBIBYTE = 2048;
/** Maximum size of root: room for two versions of everything. */
const MAX_ROOT = 2048 * MEBIBYTE;
/** A smaller state partition cannot hold a useful history. */
const MIN_STATE = 64 * MEBIBYTE;

/**
 * The partition table for a card, in sectors of 512 bytes: root grows to MAX_ROOT or by half of the room, and the rest is the state
 * partition.
 * @param {readonly Partition[]} table the image's table: boot and root
 * @param {number} sectors of the whole card
 * @returns {readonly Partition[] | undefined} boot, root and state; undefined when the card is too small for a state partition, or when
 *   `table` does not have exactly two partitions
 */
export function shareOut(table, sectors) {
  const [boot, root, ...more] = table;
  if (boot === undefined || root === undefined || more.length > 0) return undefined;
  const whole = Math.floor(sectors / MEBIBYTE) * MEBIBYTE;
  const room = whole - (root.start + root.size);
  const grow = Math.min(Math.max(MAX_ROOT - root.size, 0), Math.floor(room / 2 / MEBIBYTE) * MEBIBYTE);
  const start = root.start + root.size + grow;
  if (whole - start < MIN_STATE) return undefined;
  return [boot, { ...root, size: root.size + grow }, { start, size: whole - start, type: '83' }];
}

/**
 * A script for sfdisk(8) that writes a partition table with a DOS label; the first partition is bootable.
 * @param {readonly Partition[]} table
 * @param {string} label disk identifier in sfdisk's notation
 * @returns {string}
 */
export function script(table, label) {
  const lines = table.map(
    ({ start, size, type }, at) =>
      `start=${start}, size=${size}, type=${type}${at === 0 ? ', bootable' : ''}`,
  );
  return ['label: dos', `label-id: ${label}`, 'unit: sectors', '', ...lines, ''].join('\n');
}
