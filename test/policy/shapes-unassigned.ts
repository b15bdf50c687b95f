// Packets of tunnels' servers that come down to an address that no client has here. The sender's address is the server's, for whoever owns
// the uplink can write any (CVE-2019-14899).

import { BROADCAST, CLIENT, address4, address6 } from './frames.ts';
import type { Shape } from './shape.ts';
import { PIECES } from './shapes-links.ts';
import { TUNNELS } from './shapes-tunnels.ts';

/** Where IPv4 and IPv6 have their destination in an untagged frame. */
const AT = { 4: 14 + 16, 6: 14 + 24 } as const;
const INSIDE = { 4: address4('10.66.0.2'), 6: address6('fd66::2') } as const;

function readdressed({ name, direction, bytes }: Shape, mac: readonly number[], whom: string): Shape[] {
  const type = (bytes[12] ?? 0) * 256 + (bytes[13] ?? 0);
  if (direction !== 'down' || (type !== 0x0800 && type !== 0x86dd)) return [];
  const family = type === 0x0800 ? 4 : 6;
  const changed = Uint8Array.from(bytes);
  changed.set(INSIDE[family], AT[family]);
  changed.set(mac, 0);
  return [{ name: `${name}, to an address of a tunnel, ${whom}`, direction, bytes: changed }];
}

const macOf = (text: string): number[] => text.split(':').map((part) => parseInt(part, 16));

export const UNASSIGNED: readonly Shape[] = [...TUNNELS, ...PIECES].flatMap((shape) => [
  ...readdressed(shape, macOf(CLIENT), 'at the client'),
  ...readdressed(shape, macOf(BROADCAST), 'at everybody'),
]);
