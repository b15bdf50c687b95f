// UDP in IPv4 on Ethernet as a sender of the tests puts it together. RFC 791, RFC 1071 (checksum), RFC 768 (none of its own).

/**
 * @param {Uint8Array} addresses destination and source on the link
 * @param {readonly number[]} source @param {readonly number[]} target
 * @param {readonly number[]} ports from and to
 * @param {Uint8Array} payload
 * @param {readonly number[]} identification two octets
 */
export function datagram(addresses, source, target, ports, payload, identification = [0, 1]) {
  const header = Buffer.from([0x45, 0, 0, 0, ...identification, 0x40, 0, 64, 17, 0, 0, ...source, ...target]);
  header.writeUInt16BE(28 + payload.length, 2);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  header.writeUInt16BE(~sum & 0xffff, 10);
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(ports[0] ?? 0, 0);
  udp.writeUInt16BE(ports[1] ?? 0, 2);
  udp.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([addresses, Buffer.from('0800', 'hex'), header, udp, payload]);
}
