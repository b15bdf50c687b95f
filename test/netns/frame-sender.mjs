// Single frames to and around tunnel servers, by name. Arguments: interface, frame's name. Follows RFC 7296 (IKE), RFC 3948 (ESP in UDP),
// RFC 4303 (ESP), RFC 1035 (DNS).

import { createRequire } from 'node:module';

const { Cap } = createRequire(import.meta.url)('cap');
const [, , device, name = ''] = process.argv;

const WIREGUARD = [198, 51, 100, 7];
const IKE = [203, 0, 113, 53];

/** @param {number} protocol @param {number[]} to @param {Buffer} payload */
function packet(protocol, to, payload) {
  const header = Buffer.from([0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, protocol, 0, 0, 192, 168, 77, 66, ...to]);
  header.writeUInt16BE(20 + payload.length, 2);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  header.writeUInt16BE(~sum & 0xffff, 10);
  return Buffer.concat([Buffer.from('02000000770102000000770c0800', 'hex'), header, payload]);
}

/** @param {number[]} to @param {number} port @param {Buffer} payload */
function udp(to, port, payload) {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(port === 500 || port === 4500 ? port : 40000, 0);
  header.writeUInt16BE(port, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return packet(17, to, Buffer.concat([header, payload]));
}

const question = Buffer.from('123401000001000000000000046c65616b076578616d706c650000010001', 'hex');
// Initiator's SPI, no responder's yet, first payload SA, version 2.0, IKE_SA_INIT, initiator, message 0, length 48.
const ike = Buffer.from(
  `1122334455667788${'00'.repeat(8)}21202208${'00000000'}00000030${'00000014'}${'01'.repeat(16)}`,
  'hex',
);
const esp = Buffer.concat([Buffer.from('c0ffee0100000001', 'hex'), Buffer.alloc(64, 0x5a)]);

/** @type {Record<string, Buffer>} */
const FRAMES = {
  ike: udp(IKE, 500, ike),
  'ike-nat': udp(IKE, 4500, Buffer.concat([Buffer.alloc(4), ike])),
  'esp-udp': udp(IKE, 4500, esp),
  esp: packet(50, IKE, esp),
  'dns-500': udp(IKE, 500, question),
  'dns-4500': udp(IKE, 4500, question),
  'dns-wireguard': udp(WIREGUARD, 51820, question),
  'dns-openvpn': udp(WIREGUARD, 1194, question),
  'dns-server': udp(WIREGUARD, 53, question),
};

const frame = FRAMES[name];
if (frame === undefined) throw new Error(`there is no frame ${name}`);
const link = new Cap();
link.open(device, 'less 1', 1024 * 1024, Buffer.alloc(65535));
link.send(frame, frame.length);
process.exit(0);
