// How to put the frames of a capture that came from one MAC address on a link, again and again, as fast as it takes them. Arguments:
// capture (classic pcap, as tcpdump writes it), interface, MAC address, times.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { Cap } = createRequire(import.meta.url)('cap');
const [, , file = '', device, mac = '', times = '1'] = process.argv;
const own = Buffer.from(mac.replaceAll(':', ''), 'hex');
const capture = readFileSync(file);
const frames = [];
for (let at = 24; at + 16 <= capture.length;) {
  const length = capture.readUInt32LE(at + 8);
  const frame = Buffer.from(capture.subarray(at + 16, at + 16 + length));
  if (frame.subarray(6, 12).equals(own)) frames.push(frame);
  at += 16 + length;
}
const link = new Cap();
link.open(device, 'less 1', 1024 * 1024, Buffer.alloc(65535));
let [sent, refused] = [0, 0];
for (let round = 0; round < Number(times); round += 1) {
  for (const frame of frames) {
    try {
      link.send(frame, frame.length);
      sent += 1;
    } catch {
      refused += 1;
    }
  }
  // The other end of the link, and whoever reads it, has its turn.
  await new Promise((resolve) => setImmediate(resolve));
}
process.stdout.write(`${JSON.stringify({ sent, refused })}\n`);
process.exit(0);
