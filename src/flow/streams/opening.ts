// Which frames begin a connection (RFC 9293 section 3.5). UDP has no beginnings: there it is a frame in which a name was found.

import { Protocol, TcpFlag } from '../../wire/ip/ip.ts';
import type { ParsedPacket } from '../parsed-packet.ts';

/** Whether a frame begins a connection: a SYN without ACK (RFC 9293 section 3.5), also one sent again, or a datagram with a name. */
export function opensConnection({ protocol, tcpFlags, findings }: ParsedPacket): boolean {
  if (protocol === Protocol.TCP) return (tcpFlags & (TcpFlag.SYN | TcpFlag.ACK)) === TcpFlag.SYN;
  return protocol === Protocol.UDP && findings.names.length > 0;
}
