// How a laptop leaks at a pace that changes while it goes on. Arguments: interface, a file that says how many frames a second. It says
// "ready". Every frame bears the source address 02:00:00:00:66:66, and is a leak of one of several kinds, with one of a few names: so many
// that each incident has many frames, so few that none is folded.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const { Cap } = createRequire(import.meta.url)('cap');
const hex = (/** @type {string} */ text) => Buffer.from(text, 'hex');

/** @param {number} protocol @param {Buffer} payload */
function packet(protocol, payload) {
  const header = Buffer.from([
    0x45,
    0,
    0,
    0,
    0,
    1,
    0x40,
    0,
    64,
    protocol,
    0,
    0,
    192,
    168,
    77,
    66,
    203,
    0,
    113,
    53,
  ]);
  header.writeUInt16BE(20 + payload.length, 2);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  header.writeUInt16BE(~sum & 0xffff, 10);
  const frame = Buffer.concat([hex('0200000077010200000066660800'), header, payload]);
  return Buffer.concat([frame, Buffer.alloc(Math.max(0, 60 - frame.length))]);
}

/** @param {number} port @param {Buffer} payload */
function udp(port, payload) {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(40000, 0);
  header.writeUInt16BE(port, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** @param {number} nth */
function question(nth) {
  const labels = [`q${nth}`, 'account', 'example'].map((label) =>
    Buffer.from([label.length, ...Buffer.from(label)]),
  );
  return Buffer.concat([hex('123401000001000000000000'), ...labels, hex('0000010001')]);
}

const syn = (/** @type {number} */ port) => {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(40000, 0);
  header.writeUInt16BE(port, 2);
  header.writeUInt8(0x50, 12);
  header.writeUInt8(2, 13);
  return header;
};

const FRAMES = [
  ...Array.from({ length: 8 }, (_, nth) => packet(17, udp(53, question(nth)))),
  packet(6, syn(443)),
  packet(6, syn(853)),
  packet(1, hex('0800000000010001')),
  packet(47, Buffer.alloc(32)),
  packet(17, udp(123, Buffer.alloc(48, 0x1b))),
];

const link = new Cap();
link.open(process.argv[2], 'less 1', 1024 * 1024, Buffer.alloc(65535));
let rate = 0;
let since = performance.now();
let sent = 0;
let nth = 0;

function turn() {
  const wanted = Number(readFileSync(process.argv[3] ?? '', 'utf8'));
  if (wanted !== rate) [rate, since, sent] = [wanted, performance.now(), 0];
  for (const due = ((performance.now() - since) / 1000) * rate; sent < due; sent += 1) {
    const frame = FRAMES[(nth += 1) % FRAMES.length] ?? Buffer.alloc(0);
    try {
      link.send(frame, frame.length);
    } catch {
      // A link that is full takes no more now; what it took is told by its own counter.
      break;
    }
  }
  setTimeout(turn, 1);
}
process.stdout.write('ready\n');
turn();
