// Floods of one thing each, every frame another: MAC addresses, ARP requests, DHCP offers, names. Arguments: interface, what, how many, how
// many a second, where the numbers begin. It says "sent N" when the link has taken them all.

import { createRequire } from 'node:module';

import { datagram } from './udp-frame.mjs';

/** @param {string} text */
const hex = (text) => Buffer.from(text, 'hex');
const { Cap } = createRequire(import.meta.url)('cap');
const [, , device, what = '', many = '1', rate = '1000', from = '0'] = process.argv;

/** A frame to everybody from another address each. @param {number} n */
function mac(n) {
  return Buffer.from(`ffffffffffff0277${n.toString(16).padStart(8, '0')}88b5${'00'.repeat(46)}`, 'hex');
}

/** Who has the router's address? From another address each; it crosses in block mode. @param {number} n */
function arp(n) {
  const sender = `0277${n.toString(16).padStart(8, '0')}`;
  const head = `ffffffffffff${sender}08060001080006040001${sender}`;
  return Buffer.from(`${head}c0a84d09000000000000c0a84d01${'00'.repeat(18)}`, 'hex');
}

/** An offer of another server each. @param {number} n */
function offer(n) {
  const server = [10, (n >> 16) & 255, (n >> 8) & 255, n & 255];
  const fixed = Buffer.alloc(236);
  fixed.set([2, 1, 6, 0, 1, 2, 3, 4]);
  fixed.set([192, 168, 77, 100], 16);
  fixed.set(Buffer.from('02000000770c', 'hex'), 28);
  const options = [
    0x63,
    0x82,
    0x53,
    0x63,
    53,
    1,
    2,
    54,
    4,
    ...server,
    51,
    4,
    0,
    0,
    14,
    16,
    3,
    4,
    ...server,
    255,
  ];
  const payload = Buffer.concat([fixed, Buffer.from(options)]);
  return datagram(hex('02000000770c020000007701'), server, [192, 168, 77, 100], [67, 68], payload);
}

/** A question for another name each. @param {number} n */
function name(n) {
  const labels = [`n${String(n).padStart(8, '0')}`, 'flood', 'example'];
  const encoded = labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  const question = Buffer.concat([
    Buffer.from('000001000001000000000000', 'hex'),
    ...encoded,
    Buffer.from('0000010001', 'hex'),
  ]);
  return datagram(
    hex('02000000770102000000770c'),
    [192, 168, 77, 100],
    [203, 0, 113, 53],
    [40000, 53],
    question,
  );
}

const make = { mac, arp, offer, name }[what];
if (make === undefined) throw new Error(`there is no flood of ${what}`);
const link = new Cap();
link.open(device, 'less 1', 1024 * 1024, Buffer.alloc(65535));
let sent = 0;
const began = performance.now();
function round() {
  const due = Math.min(Number(many), ((performance.now() - began) / 1000) * Number(rate) + 1);
  for (; sent < due; sent += 1) {
    const frame = make(Number(from) + sent);
    try {
      link.send(frame, frame.length);
    } catch {
      // A link that is full takes it in the next round.
      break;
    }
  }
  if (sent >= Number(many)) {
    process.stdout.write(`sent ${sent}\n`);
    process.exit(0);
  }
  setTimeout(round, 1);
}
round();
