// Knows: which frames begin a connection. Must not know: flows, policy.
// Follows RFC 9293 section 3.5. UDP has no beginnings: there it is a frame that shows a name, a question or a hello.

import { Protocol, TcpFlag } from '../../wire/ip/ip.ts';
import type { ParsedPacket } from '../parsed-packet.ts';

export function opensConnection({ protocol, tcpFlags, findings }: ParsedPacket): boolean {
  if (protocol === Protocol.TCP) return (tcpFlags & (TcpFlag.SYN | TcpFlag.ACK)) === TcpFlag.SYN;
  return protocol === Protocol.UDP && findings.names.length > 0;
}
