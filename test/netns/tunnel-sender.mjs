// How to put tunnel frames on a link as fast as it takes them, with plain DNS questions spread among them. The source address is nobody's,
// so that no answer makes the laptop send more. Arguments: interface, tunnel frames, questions. Prints how long it took, in milliseconds.

import { createRequire } from 'node:module';

const { Cap } = createRequire(import.meta.url)('cap');
const [, , device, frames, questions] = process.argv;

const ETHERNET = Buffer.from('02000000770102000000770c0800', 'hex');

function udp(to, toPort, payload) {
  const packet = Buffer.alloc(28 + payload.length);
  packet.set([0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 17, 0, 0, 192, 168, 77, 66, ...to]);
  packet.writeUInt16BE(packet.length, 2);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += packet.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.writeUInt16BE(~sum & 0xffff, 10);
  packet.writeUInt16BE(40000, 20);
  packet.writeUInt16BE(toPort, 22);
  packet.writeUInt16BE(8 + payload.length, 24);
  payload.copy(packet, 28);
  return Buffer.concat([ETHERNET, packet]);
}

function question(n) {
  const label = `q${n}`;
  const name = Buffer.concat([
    Buffer.from([label.length]),
    Buffer.from(label),
    Buffer.from('\x04leak\x07example\0'),
  ]);
  const head = Buffer.from('000001000001000000000000', 'hex');
  head.writeUInt16BE(n & 0xffff, 0);
  return udp([203, 0, 113, 53], 53, Buffer.concat([head, name, Buffer.from('00010001', 'hex')]));
}

// WireGuard transport data: type 4, three zero octets, a length that is a multiple of 16.
const data = Buffer.alloc(1328);
data.writeUInt32LE(4, 0);
const tunnel = udp([198, 51, 100, 7], 51820, data);

const link = new Cap();
link.open(device, 'less 1', 1024 * 1024, Buffer.alloc(65535));
const spacing = Math.floor(Number(frames) / Number(questions));
const asked = Array.from({ length: Number(questions) }, (_, n) => question(n));
const began = process.hrtime.bigint();
for (let n = 0; n < Number(frames); n += 1) {
  link.send(tunnel, tunnel.length);
  if (n % spacing === 0 && n / spacing < asked.length) {
    const frame = asked[n / spacing];
    link.send(frame, frame.length);
  }
}
process.stdout.write(`${Number((process.hrtime.bigint() - began) / 1000n) / 1000}\n`);
process.exit(0);
