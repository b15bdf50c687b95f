// How frames are put on a port, byte for byte. Arguments: interface, each frame in hexadecimal.

import { createRequire } from 'node:module';

const { Cap } = createRequire(import.meta.url)('cap');
const [, , device, ...frames] = process.argv;
const link = new Cap();
link.open(device, 'less 1', 1024 * 1024, Buffer.alloc(65535));
for (const hex of frames) {
  const frame = Buffer.from(hex, 'hex');
  link.send(frame, frame.length);
}
process.exit(0);
