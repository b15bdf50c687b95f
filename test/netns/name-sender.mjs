// How to put plain DNS questions on a link, each for another name, at a steady rate. Arguments: interface, names, frames a second, tag. The
// names are n00000000.TAG.leak.example and on. It says "ready", then how many it has sent. A driver that is full sends nothing: whoever
// counts must count what arrived.

import { createRequire } from 'node:module';

const { Cap } = createRequire(import.meta.url)('cap');
const [, , device, names = '1', rate = '1000', tag = 'one'] = process.argv;

const labels = ['n00000000', tag, 'leak', 'example'];
const name = Buffer.concat(
  labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
);
const question = Buffer.concat([
  Buffer.from('000001000001000000000000', 'hex'),
  name,
  Buffer.from('0000010001', 'hex'),
]);
const frame = Buffer.alloc(14 + 28 + question.length);
frame.write('02000000770102000000770c0800', 'hex');
frame.set([0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 17, 0, 0, 192, 168, 77, 66, 203, 0, 113, 53], 14);
frame.writeUInt16BE(28 + question.length, 16);
let sum = 0;
for (let at = 14; at < 34; at += 2) sum += frame.readUInt16BE(at);
while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
frame.writeUInt16BE(~sum & 0xffff, 24);
frame.writeUInt16BE(40000, 34);
frame.writeUInt16BE(53, 36);
frame.writeUInt16BE(8 + question.length, 38);
question.copy(frame, 42);
const DIGITS = 42 + 12 + 2;

const link = new Cap();
link.open(device, 'less 1', 1024 * 1024, Buffer.alloc(65535));
const total = Number(names);
let sent = 0;
const began = performance.now();

function round() {
  const due = Math.min(total, ((performance.now() - began) / 1000) * Number(rate) + 1);
  for (; sent < due; sent += 1) {
    let rest = sent;
    for (let at = DIGITS + 7; at >= DIGITS; at -= 1) {
      frame[at] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    try {
      link.send(frame, frame.length);
    } catch {
      break;
    }
  }
  if (sent >= total) {
    process.stdout.write(`sent ${sent}\n`);
    process.exit(0);
  }
  setTimeout(round, 1);
}
process.stdout.write('ready\n');
round();
