// Program of the lab: `marker INTERFACE ADDRESS` sends one frame that crosses the box in any mode. An ARP probe from no address for a
// link-local one (RFC 5227 section 2.1; ADDRESS is in 169.254.0.0/16) is essential traffic (README.md): it reaches the uplink in block
// mode, too, and is not a leak.

import { readFileSync } from 'node:fs';

import { parseIpv4, parseMac } from '../../src/wire/ip/address.ts';
import { openSender } from '../tap/packet-device.ts';

const [, , device = '', address = ''] = process.argv;

/** Ethernet's minimum frame, without the checksum. */
const frame = Buffer.alloc(60);
const mac = parseMac(readFileSync(`/sys/class/net/${device}/address`, 'utf8').trim()) ?? 0;
frame.fill(0xff, 0, 6);
frame.writeUIntBE(mac, 6, 6);
// ARP: EtherType, hardware type Ethernet, protocol IPv4, their address lengths, request.
Buffer.from('08060001080006040001', 'hex').copy(frame, 12);
frame.writeUIntBE(mac, 22, 6);
frame.writeUInt32BE(parseIpv4(address) ?? 0, 38);

const sender = openSender(device);
sender.send(frame);
sender.close();
