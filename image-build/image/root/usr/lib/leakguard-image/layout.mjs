// Knows: how a card is shared out: the root grows, the rest is state. Must not know: how it is written.
// Master boot record (DOS label): sectors of 512 bytes, four partitions. Partitions begin at whole mebibytes.

/** @typedef {{ readonly start: number, readonly size: number, readonly type: string }} Partition in sectors */

const MEBIBYTE = 2048;
/** Room for two versions of everything; the rest belongs to the history. */
const ROOT_MOST = 2048 * MEBIBYTE;
/** A history of less is none. */
const STATE_LEAST = 64 * MEBIBYTE;

/**
 * @param {readonly Partition[]} table the image's own: boot and root
 * @param {number} sectors of the whole card
 * @returns {readonly Partition[] | undefined} boot, root and state; undefined when the card has no room for state,
 *   or when this is not the image's table
 */
export function shareOut(table, sectors) {
  const [boot, root, ...more] = table;
  if (boot === undefined || root === undefined || more.length > 0) return undefined;
  const whole = Math.floor(sectors / MEBIBYTE) * MEBIBYTE;
  const room = whole - (root.start + root.size);
  const grow = Math.min(Math.max(ROOT_MOST - root.size, 0), Math.floor(room / 2 / MEBIBYTE) * MEBIBYTE);
  const start = root.start + root.size + grow;
  if (whole - start < STATE_LEAST) return undefined;
  return [boot, { ...root, size: root.size + grow }, { start, size: whole - start, type: '83' }];
}

/**
 * @param {readonly Partition[]} table
 * @param {string} label disk identifier, as sfdisk(8) writes it
 * @returns {string} a script for sfdisk
 */
export function script(table, label) {
  const lines = table.map(
    ({ start, size, type }, at) =>
      `start=${start}, size=${size}, type=${type}${at === 0 ? ', bootable' : ''}`,
  );
  return ['label: dos', `label-id: ${label}`, 'unit: sectors', '', ...lines, ''].join('\n');
}
