// How to put mixed leak frames on a link at a steady rate until its standard input ends. Arguments: interface, frames per second. Every
// frame bears the source address 02:00:00:00:66:66, so that a counter can tell them from everything else. Prints how many it sent.

import { createRequire } from 'node:module';

const { Cap } = createRequire(import.meta.url)('cap');
const [, , device, rate] = process.argv;

const mac = (text) => Buffer.from(text.replaceAll(':', ''), 'hex');
const GATEWAY = mac('02:00:00:00:77:01');
const BROADCAST = mac('ff:ff:ff:ff:ff:ff');
const SOURCE = mac('02:00:00:00:66:66');
const TUNNEL = [198, 51, 100, 7];
const RESOLVER = [203, 0, 113, 53];

const ethernet = (type, payload, to = GATEWAY) => {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(type);
  return Buffer.concat([to, SOURCE, head, payload, Buffer.alloc(Math.max(0, 46 - payload.length))]);
};

function ipv4(protocol, payload, to = RESOLVER, fragment = 0) {
  const header = Buffer.from([0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0, 192, 168, 77, 66, ...to]);
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(fragment, 6);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  header.writeUInt16BE(~sum & 0xffff, 10);
  return Buffer.concat([header, payload]);
}

function ipv6(next, payload, to = '20010db8005300000000000000000053', hops = 64) {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(0x60000000, 0);
  header.writeUInt16BE(payload.length, 4);
  header.writeUInt8(next, 6);
  header.writeUInt8(hops, 7);
  return Buffer.concat([
    header,
    Buffer.from('fd770000000000000000000000006666', 'hex'),
    Buffer.from(to, 'hex'),
    payload,
  ]);
}

function udp(from, to, payload) {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(from, 0);
  header.writeUInt16BE(to, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

const syn = (to) => {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(40000, 0);
  header.writeUInt16BE(to, 2);
  header.writeUInt8(0x50, 12);
  header.writeUInt8(2, 13);
  return header;
};

const question = Buffer.from('123401000001000000000000046c65616b076578616d706c650000010001', 'hex');
const ping = Buffer.from('0800000000010001', 'hex');
const dhcp = Buffer.concat([
  Buffer.from([1, 1, 6, 0]),
  Buffer.alloc(232),
  Buffer.from('63825363350101ff', 'hex'),
]);

const FRAMES = [
  ethernet(0x0800, ipv4(17, udp(40000, 53, question))),
  ethernet(0x0800, ipv4(6, syn(53))),
  ethernet(0x0800, ipv4(6, syn(443))),
  ethernet(0x0800, ipv4(6, syn(853))),
  ethernet(0x0800, ipv4(17, udp(40000, 443, Buffer.alloc(64, 0xc3)))),
  ethernet(0x0800, ipv4(1, ping)),
  ethernet(0x0800, ipv4(47, Buffer.alloc(32))),
  ethernet(0x0800, ipv4(4, ipv4(17, udp(1, 53, question)))),
  ethernet(0x0800, ipv4(41, ipv6(17, udp(1, 53, question)))),
  // Plain questions to the tunnel server itself, on its own port and on port 53.
  ethernet(0x0800, ipv4(17, udp(40000, 51820, question), TUNNEL)),
  ethernet(0x0800, ipv4(17, udp(40000, 53, question), TUNNEL)),
  ethernet(0x0800, ipv4(17, udp(51820, 53, question))),
  // Fragments whose payload imitates a header with the tunnel's port, to somewhere else.
  ethernet(0x0800, ipv4(17, udp(40000, 51820, Buffer.alloc(24)), RESOLVER, 0x2000)),
  ethernet(0x0800, ipv4(17, udp(40000, 51820, Buffer.alloc(24)), RESOLVER, 0x0007)),
  ethernet(0x86dd, ipv6(17, udp(40000, 53, question))),
  ethernet(0x86dd, ipv6(6, syn(443))),
  ethernet(0x86dd, ipv6(58, Buffer.from('8000000000010001', 'hex'))),
  // Neighbour discovery that crossed a router, and one that asks for a foreign address.
  ethernet(
    0x86dd,
    ipv6(58, Buffer.concat([Buffer.from('8700000000000000', 'hex'), Buffer.alloc(16)]), undefined, 64),
  ),
  ethernet(0x0800, ipv4(17, udp(5353, 5353, question), [224, 0, 0, 251]), mac('01:00:5e:00:00:fb')),
  ethernet(0x0800, ipv4(17, udp(68, 67, dhcp), [192, 0, 2, 9])),
  ethernet(0x8100, Buffer.concat([Buffer.from('00050800', 'hex'), ipv4(17, udp(40000, 53, question))])),
  ethernet(
    0x88a8,
    Buffer.concat([Buffer.from('0005810000060800', 'hex'), ipv4(17, udp(40000, 53, question))]),
  ),
  ethernet(
    0x8864,
    Buffer.concat([Buffer.from('110000010040' + '0021', 'hex'), ipv4(17, udp(1, 53, question))]),
  ),
  ethernet(0x8847, Buffer.concat([Buffer.from('000011ff', 'hex'), ipv4(17, udp(1, 53, question))])),
  ethernet(0x88cc, Buffer.alloc(46), mac('01:80:c2:00:00:0e')),
  ethernet(0x8137, Buffer.alloc(46), BROADCAST),
  ethernet(0x0026, Buffer.from('424203' + '00'.repeat(35), 'hex'), mac('01:80:c2:00:00:00')),
  ethernet(0x0806, Buffer.from('0001080006040003' + '00'.repeat(20), 'hex'), BROADCAST),
  ethernet(0x0800, Buffer.from('4f00', 'hex')),
  ethernet(0x0800, Buffer.concat([Buffer.from('55', 'hex'), Buffer.alloc(45)])),
];

const link = new Cap();
link.open(device, 'less 1', 1024 * 1024, Buffer.alloc(65535));
let sent = 0;
let ended = false;
process.stdin.on('end', () => {
  ended = true;
});
process.stdin.resume();

const began = process.hrtime.bigint();
function turn() {
  const due = Number((process.hrtime.bigint() - began) / 1000n) * (Number(rate) / 1e6);
  // A link that is down takes no frame; what could not be sent is no frame that could leak.
  while (sent < due) {
    const frame = FRAMES[sent % FRAMES.length];
    sent += 1;
    try {
      link.send(frame, frame.length);
    } catch {
      break;
    }
  }
  if (ended) {
    process.stdout.write(`${sent}\n`);
    process.exit(0);
  }
  setTimeout(turn, 1);
}
process.stdout.write('ready\n');
turn();
