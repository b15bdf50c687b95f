// A machine on the uplink that sends whatever it likes under whatever address it likes, by lots that can be drawn again. Arguments:
// interface, a file of frames (each behind its length, four bytes), MAC addresses to pose as (with commas), seed, tag of the names that the
// laptop asks for. It says "ready", and ends with its standard input.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { datagram as udpFrame } from './udp-frame.mjs';

const { Cap } = createRequire(import.meta.url)('cap');
const [, , device, path = '', poses = '', seed = '1', tag = 'x'] = process.argv;

let state = Number(seed) >>> 0 || 1;
/** xorshift32. @param {number} below */
const lot = (below) => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  state >>>= 0;
  return state % below;
};
/** @template T @param {readonly T[]} from @returns {T} */
const one = (from) => /** @type {T} */ (from[lot(from.length)]);

const bases = /** @type {Buffer[]} */ ([]);
const file = readFileSync(path);
for (let at = 0; at < file.length;) {
  const length = file.readUInt32BE(at);
  bases.push(file.subarray(at + 4, at + 4 + length));
  at += 4 + length;
}
const hex = (/** @type {string} */ text) => Buffer.from(text.replaceAll(':', ''), 'hex');
const known = poses.split(',').map(hex);
const [LAPTOP = hex(''), ROUTER = hex('')] = known;
const groups = ['ffffffffffff', '01005e0000fb', '01005e000001', '333300000001', '0180c2000003'].map(hex);
const anybody = () => Buffer.from([2 + 4 * lot(60), lot(256), lot(256), lot(256), lot(256), lot(256)]);
const somebody = () => (lot(4) === 0 ? anybody() : one(known));
const EDGES = [0, 1, 2, 4, 6, 17, 41, 44, 47, 50, 53, 58, 67, 68, 127, 128, 135, 136, 192, 254, 255];

/** A frame of the table, bent or whole, as anybody. */
function mutant() {
  const frame = Buffer.from(one(bases));
  const to = lot(3) === 0 ? one(groups) : somebody();
  if (lot(3) > 0) to.copy(frame, 0);
  if (lot(3) > 0) somebody().copy(frame, 6);
  for (let changes = lot(4); changes > 0; changes -= 1)
    frame[12 + lot(Math.min(frame.length - 12, 60))] = lot(2) === 0 ? one(EDGES) : lot(256);
  return lot(12) === 0 ? frame.subarray(0, 14 + lot(frame.length - 14)) : frame;
}

const began = performance.now();
/** A name that the laptop has asked for, is about to ask for, or never will. */
const name = () => {
  const now = Math.floor((performance.now() - began) / 1000);
  return `n${String(lot(now + 8)).padStart(8, '0')}.${tag}.leak.example`;
};

/** @param {Buffer} to @param {Buffer} from @param {number[]} source @param {number[]} target @param {number[]} ports @param {Buffer} payload */
function datagram(to, from, source, target, ports, payload) {
  return udpFrame(Buffer.concat([to, from]), source, target, ports, payload, [lot(256), lot(256)]);
}

/** @param {string} text @param {boolean} answers */
function dns(text, answers) {
  const labels = text.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  const question = Buffer.concat([...labels, hex('0000010001')]);
  if (!answers) return Buffer.concat([hex('4a4a01000001000000000000'), question]);
  const address = lot(3) === 0 ? [198, 51, 100, 7] : [203, 0, 113, lot(256)];
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, lot(256), 0, 4, ...address]);
  return Buffer.concat([hex('4a4a81800001000100000000'), question, record]);
}

const LEASE = [192, 168, 77, 100];
const RESOLVER = [203, 0, 113, 53];
/** The laptop's own leak, word for word, before or after it: as if by it, or back at it. */
const echo = () =>
  lot(2) === 0
    ? datagram(ROUTER, LAPTOP, LEASE, RESOLVER, [30000 + lot(30000), 53], dns(name(), false))
    : datagram(somebody(), somebody(), LEASE, RESOLVER, [30000 + lot(30000), 53], dns(name(), false));
const answer = () =>
  datagram(LAPTOP, one([ROUTER, anybody()]), RESOLVER, LEASE, [53, 30000 + lot(30000)], dns(name(), true));
const crowd = () => Buffer.concat([one(groups), anybody(), hex('88b5'), Buffer.alloc(46)]);
const claim = () => Buffer.concat([ROUTER, LAPTOP, hex('88b5'), Buffer.alloc(46)]);
function offer() {
  const server = [10, lot(256), lot(256), 1];
  const fixed = Buffer.alloc(236);
  fixed.set([2, 1, 6, 0, lot(256), lot(256), lot(256), lot(256)]);
  fixed.set([192, 168, 77, lot(256)], 16);
  LAPTOP.copy(fixed, 28);
  const options = [0x63, 0x82, 0x53, 0x63, 53, 1, one([2, 5]), 54, 4, ...server, 51, 4, 0, 0, lot(16), 16];
  const more = lot(2) === 0 ? [3, 4, ...server] : [121, 5, 8, lot(256), ...server.slice(0, 3)];
  return datagram(
    one([LAPTOP, hex('ffffffffffff')]),
    anybody(),
    server,
    [255, 255, 255, 255],
    [67, 68],
    Buffer.concat([fixed, Buffer.from([...options, ...more, 255])]),
  );
}

/** What is sent for a while, and how many of it a second. */
const SPELLS = /** @type {(readonly [() => Buffer, number])[]} */ ([
  ...[
    [mutant, 500],
    [mutant, 2_000],
    [echo, 200],
    [echo, 2_000],
    [answer, 500],
  ],
  ...[
    [crowd, 5_000],
    [claim, 1_000],
    [offer, 1_000],
    [mutant, 50],
  ],
]);

const link = new Cap();
link.open(device, 'less 1', 1024 * 1024, Buffer.alloc(65535));
let [make, rate] = one(SPELLS);
let since = began;
let until = began;
let sent = 0;
let spell = 0;
process.stdin.on('end', () => {
  process.stdout.write(`sent ${sent}\n`);
  process.exit(0);
});
process.stdin.resume();

function turn() {
  const now = performance.now();
  if (now > until) {
    [make, rate] = one(SPELLS);
    [since, until, spell] = [now, now + 200 + lot(1_000), 0];
  }
  for (const due = ((now - since) / 1000) * rate; spell < due; spell += 1) {
    const frame = make();
    if (frame.length < 14) continue;
    try {
      link.send(frame, frame.length);
      sent += 1;
    } catch {
      // A link that is full takes no more now.
      break;
    }
  }
  setTimeout(turn, 1);
}
process.stdout.write('ready\n');
turn();
