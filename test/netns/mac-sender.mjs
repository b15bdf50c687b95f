// Frames whose addresses are of its own choosing: many from as many senders, or one between two. Arguments: interface, count (senders
// 02:77:…, to everybody); or interface, `frame`, sender, receiver. IEEE 802, local experimental EtherType 0x88b5.

import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';

const { Cap } = createRequire(import.meta.url)('cap');
const [, , device, what, from = '', to = ''] = process.argv;

const mac = (text) => Buffer.from(text.replaceAll(':', ''), 'hex');
const frame = (sender, receiver) =>
  Buffer.concat([receiver, sender, Buffer.from('88b5', 'hex'), Buffer.alloc(46)]);

const cap = new Cap();
cap.open(device, 'less 1', 65536, Buffer.alloc(65536));
if (what === 'frame') {
  cap.send(frame(mac(from), mac(to)));
} else {
  const sender = mac('02:77:00:00:00:00');
  for (let n = 0; n < Number(what); n += 1) {
    sender.writeUInt32BE(n, 2);
    cap.send(frame(sender, mac('ff:ff:ff:ff:ff:ff')));
    if (n % 250 === 249) await pause(10);
  }
}
cap.close();
