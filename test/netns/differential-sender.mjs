// How to put the frames it is given on a link, one by one. Argument: interface. Input: frames, each behind its length as four bytes, big
// endian. Output: one byte per frame sent.

import { createRequire } from 'node:module';

const { Cap } = createRequire(import.meta.url)('cap');
const device = new Cap();
device.open(process.argv[2], 'ether proto 0xffff', 65536, Buffer.alloc(65536));

let held = Buffer.alloc(0);
process.stdin.on('data', (chunk) => {
  held = Buffer.concat([held, chunk]);
  let sent = 0;
  while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
    const length = held.readUInt32BE(0);
    device.send(Buffer.from(held.subarray(4, 4 + length)), length);
    held = held.subarray(4 + length);
    sent += 1;
  }
  if (sent > 0) process.stdout.write(Buffer.alloc(sent, 1));
});
process.stdin.on('end', () => process.exit(0));
