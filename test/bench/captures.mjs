// How to make the captures that `analyze` is measured with. Frames are the same in every run: a seed, no clock.

import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The tunnel in all captures: WireGuard, one endpoint. */
export const TUNNEL = 'udp:198.51.100.7:51820';

export const CAPTURES = [
  { name: 'leaks-1-percent', frames: 1_000_000, leakEvery: 100 },
  { name: 'leaks-50-percent', frames: 300_000, leakEvery: 2 },
];

const CHUNK = 8 * 1024 * 1024;
const CLIENT = [0x02, 0, 0, 0, 0, 0x0c];
const GATEWAY = [0x02, 0, 0, 0, 0, 0x01];
const START_SECONDS = 1_700_000_000;

/** The capture's path in `directory`; it is made when it is not there. Half a file never has its final name. */
export function captureFile(directory, { name, frames, leakEvery }) {
  const path = join(directory, `${name}.pcap`);
  if (existsSync(path)) return path;
  mkdirSync(directory, { recursive: true });
  const handle = openSync(`${path}.part`, 'w');
  const buffer = Buffer.alloc(CHUNK);
  let filled = 0;
  const add = (bytes) => {
    if (filled + bytes.length > CHUNK) {
      writeSync(handle, buffer, 0, filled);
      filled = 0;
    }
    bytes.copy(buffer, filled);
    filled += bytes.length;
  };
  add(fileHeader());
  const record = Buffer.alloc(16);
  const tunnel = tunnelFrame();
  for (let frame = 0; frame < frames; frame += 1) {
    const leak = frame % leakEvery === leakEvery - 1;
    const bytes = leak ? leakFrame(Math.floor(frame / leakEvery)) : tunnel;
    if (!leak) bytes.writeUInt32LE(frame, TUNNEL_COUNTER);
    record.writeUInt32LE(START_SECONDS + Math.floor(frame / 50_000), 0);
    record.writeUInt32LE((frame % 50_000) * 20, 4);
    record.writeUInt32LE(bytes.length, 8);
    record.writeUInt32LE(bytes.length, 12);
    add(record);
    add(bytes);
  }
  writeSync(handle, buffer, 0, filled);
  closeSync(handle);
  renameSync(`${path}.part`, path);
  return path;
}

function fileHeader() {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  return header;
}

/** Octets in front of the UDP payload: Ethernet, IPv4, UDP. */
const UDP4 = 14 + 20 + 8;
const TUNNEL_COUNTER = UDP4 + 8;

/** WireGuard data: type 4, receiver, counter, and what looks like ciphertext; 1,306 octets in all. */
function tunnelFrame() {
  const payload = Buffer.alloc(1264);
  payload.writeUInt32LE(4, 0);
  payload.writeUInt32LE(0x1234_5678, 4);
  let seed = 1;
  for (let at = 16; at < payload.length; at += 1) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    payload[at] = seed >>> 24;
  }
  return udp4([198, 51, 100, 7], 40_000, 51_820, payload);
}

/** Eight kinds by turns: DNS over UDP, over TCP and over IPv6, DoT, HTTP, TLS, ping, UDP to somewhere. */
function leakFrame(number) {
  const name = `host${number}.leak.example`;
  const port = 20_000 + (number % 40_000);
  switch (number % 8) {
    case 0:
      return udp4([203, 0, 113, 53], port, 53, dnsQuery(name, number));
    case 1: {
      const query = dnsQuery(name, number);
      const length = Buffer.from([query.length >>> 8, query.length & 255]);
      return tcp4([203, 0, 113, 53], port, 53, Buffer.concat([length, query]));
    }
    case 2:
      return udp6(port, 53, dnsQuery(name, number));
    case 3:
      return tcp4([203, 0, 113, 9], port, 853, clientHello(name));
    case 4:
      return tcp4([203, 0, 113, 80], port, 80, Buffer.from(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`));
    case 5:
      return tcp4([203, 0, 113, 81], port, 443, clientHello(name));
    case 6:
      return ipv4(
        [203, 0, 113, 1],
        1,
        Buffer.from([8, 0, 0, 0, 0, 1, number >>> 8, number & 255, 1, 2, 3, 4]),
      );
    default:
      return udp4([203, 0, 113, 90], port, 9_999, Buffer.alloc(200, number & 255));
  }
}

function ethernet(type, payload) {
  return Buffer.concat([Buffer.from([...GATEWAY, ...CLIENT, type >>> 8, type & 255]), payload]);
}

function ipv4(destination, protocol, payload) {
  const header = Buffer.from([
    0x45,
    0,
    0,
    0,
    0,
    0,
    0x40,
    0,
    64,
    protocol,
    0,
    0,
    192,
    0,
    2,
    10,
    ...destination,
  ]);
  header.writeUInt16BE(20 + payload.length, 2);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += header.readUInt16BE(at);
  header.writeUInt16BE(0xffff - ((sum & 0xffff) + (sum >>> 16)), 10);
  return ethernet(0x0800, Buffer.concat([header, payload]));
}

function udp(source, destination, payload) {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(source, 0);
  header.writeUInt16BE(destination, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

function udp4(address, source, destination, payload) {
  return ipv4(address, 17, udp(source, destination, payload));
}

function udp6(source, destination, payload) {
  const datagram = udp(source, destination, payload);
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(datagram.length, 4);
  header[6] = 17;
  header[7] = 64;
  header.write('20010db8000000000000000000000010', 8, 'hex');
  header.write('20010db8000000000000000000000053', 24, 'hex');
  return ethernet(0x86dd, Buffer.concat([header, datagram]));
}

function tcp4(address, source, destination, payload) {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(source, 0);
  header.writeUInt16BE(destination, 2);
  header.writeUInt32BE(1000, 4);
  header.writeUInt32BE(2000, 8);
  header[12] = 0x50;
  header[13] = 0x18;
  header.writeUInt16BE(64_240, 14);
  return ipv4(address, 6, Buffer.concat([header, payload]));
}

function dnsQuery(name, id) {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  const header = [(id >>> 8) & 255, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  return Buffer.from([...header, ...labels, 0, 0, 1, 0, 1]);
}

function clientHello(name) {
  const host = Buffer.from(name);
  const list = vector(2, Buffer.concat([Buffer.from([0]), vector(2, host)]));
  const serverName = Buffer.concat([Buffer.from([0, 0]), vector(2, list)]);
  const versions = Buffer.from([0, 43, 0, 3, 2, 3, 4]);
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    Buffer.from([0, 0, 2, 0x13, 0x01, 1, 0]),
    vector(2, Buffer.concat([serverName, versions])),
  ]);
  const message = Buffer.concat([Buffer.from([1]), vector(3, body)]);
  return Buffer.concat([Buffer.from([22, 3, 1]), vector(2, message)]);
}

/** A length of `width` octets, then the octets. */
function vector(width, bytes) {
  const length = Buffer.alloc(width);
  length.writeUIntBE(bytes.length, 0, width);
  return Buffer.concat([length, bytes]);
}
