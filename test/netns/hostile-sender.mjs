// Frames that a hostile uplink sends to mislead the box. Arguments: interface, what, how many, how many a second. Follows RFC 2131 (DHCP),
// RFC 6762 (mDNS).

import { createRequire } from 'node:module';

import { datagram } from './udp-frame.mjs';

/** @param {string} text */
const hex = (text) => Buffer.from(text, 'hex');
const { Cap } = createRequire(import.meta.url)('cap');
const [, , device, what = '', many = '1', rate = '1000'] = process.argv;
const LAPTOP = '02000000770c';
const ROUTER = '020000007701';

/** A DHCPACK by the server 10.x.y.1. @param {number} n */
function ack(n) {
  const server = [10, (n >> 8) & 255, n & 255, 1];
  const fixed = Buffer.alloc(236);
  fixed.set([2, 1, 6, 0, 1, 2, 3, 4]);
  fixed.set([192, 168, 77, 100], 16);
  fixed.set(Buffer.from(LAPTOP, 'hex'), 28);
  const options = [
    0x63,
    0x82,
    0x53,
    0x63,
    53,
    1,
    5,
    54,
    4,
    ...server,
    51,
    4,
    0,
    0,
    14,
    16,
    6,
    4,
    ...server,
    255,
  ];
  const payload = Buffer.concat([fixed, Buffer.from(options)]);
  return datagram(hex(LAPTOP + ROUTER), server, [192, 168, 77, 100], [67, 68], payload);
}

/** mDNS of a neighbour whom the bridge has not met. @param {number} n */
function newcomer(n) {
  const mac = `02aa${n.toString(16).padStart(8, '0')}`;
  const question = Buffer.from(
    '000000000001000000000000056e656967680 56c6f63616c0000010001'.replace(' ', ''),
    'hex',
  );
  return datagram(hex(`01005e0000fb${mac}`), [192, 168, 77, 30], [224, 0, 0, 251], [5353, 5353], question);
}

/** The laptop's address, claimed by the uplink. */
function claim() {
  return Buffer.from(`${ROUTER}${LAPTOP}88b5${'00'.repeat(46)}`, 'hex');
}

const make = { acks: ack, newcomers: newcomer, claims: claim }[what];
if (make === undefined) throw new Error(`there are no ${what}`);
const link = new Cap();
link.open(device, 'less 1', 1024 * 1024, Buffer.alloc(65535));
let sent = 0;
const began = performance.now();
const round = () => {
  const due = Math.min(Number(many), ((performance.now() - began) / 1000) * Number(rate) + 1);
  for (; sent < due; sent += 1) {
    const frame = make(sent);
    link.send(frame, frame.length);
  }
  if (sent >= Number(many)) process.exit(0);
  setTimeout(round, 1);
};
console.log('ready');
round();
