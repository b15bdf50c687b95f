// The Huffman code of HPACK's strings: RFC 7541 section 5.2 and appendix B. The code is canonical, so the lengths define it.

/** Length in bits of each symbol's code, as a digit in base 36 (a is 10, b is 11); the last symbol is the end of the string. */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca' +
  'd67777777777777777777777878djde6f56565666577666567655677777fbeds' +
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq' +
  'u';
const END = 256;
const LONGEST_CODE = 30;

/** Two words per node, one for each bit: another node (1 and up), a symbol (as -1 - symbol), or 0 where there is no code. */
const NODES = tree();

function tree(): Int16Array {
  const nodes = new Int16Array(2 * 512);
  let nodesUsed = 1;
  let code = 0;
  for (let length = 1; length <= LONGEST_CODE; length += 1) {
    code *= 2;
    for (let symbol = 0; symbol < LENGTHS.length; symbol += 1) {
      if (parseInt(LENGTHS.charAt(symbol), 36) !== length) continue;
      let node = 0;
      for (let bit = length - 1; bit > 0; bit -= 1) {
        const at = 2 * node + ((code >>> bit) & 1);
        if (nodes[at] === 0) nodes[at] = nodesUsed++;
        node = nodes[at] ?? 0;
      }
      nodes[2 * node + (code & 1)] = -1 - symbol;
      code += 1;
    }
  }
  return nodes;
}

/**
 * The decoded octets of the coded string from `start` to before `end` (RFC 7541 section 5.2), at most 8/5 as many; undefined when it
 * contains an invalid code or the end-of-string symbol, or its padding has a zero bit. Never throws.
 */
export function huffmanDecoded(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  // The shortest codes have five bits.
  const decoded = new Uint8Array(Math.floor(((end - start) * 8) / 5));
  let filled = 0;
  let node = 0;
  let isPadding = true;
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at] ?? 0;
    for (let bit = 7; bit >= 0; bit -= 1) {
      const bitValue = (octet >>> bit) & 1;
      const next = NODES[2 * node + bitValue] ?? 0;
      isPadding = (node === 0 || isPadding) && bitValue === 1;
      if (next > 0) node = next;
      else {
        const symbol = -1 - next;
        if (next === 0 || symbol === END) return undefined;
        decoded[filled++] = symbol;
        node = 0;
      }
    }
  }
  return node === 0 || isPadding ? decoded.subarray(0, filled) : undefined;
}
