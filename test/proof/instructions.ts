// Random rules of each instruction that model.ts speaks of, with values that frames have.

export type Draw = (below: number) => number;

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;

/** Where a frame of Ethernet without tag has its headers, as well as that can be told: values are taken from there. */
function placesOf(frame: Uint8Array): Readonly<Record<'ll' | 'nh' | 'th' | 'ih', number>> {
  const tagged = frame[12] === 0x81 || (frame[12] === 0x88 && frame[13] === 0xa8);
  const nh = tagged ? 18 : 14;
  const four = (frame[nh] ?? 0) >> 4 === 4;
  const th =
    nh + (four ? 4 * ((frame[nh] ?? 0) & 15) : frame[nh + 6] === 44 || frame[nh + 6] === 0 ? 48 : 40);
  const protocol = four ? frame[nh + 9] : frame[nh + 6];
  return { ll: 0, nh, th, ih: protocol === 17 ? th + 8 : th + 4 * ((frame[th + 12] ?? 0x50) >> 4) };
}

/** Matches of one rule; the values are of one of the frames, so that they match now and then. */
export function randomMatch(frames: readonly Uint8Array[], draw: Draw): string {
  const frame = frames[draw(frames.length)] ?? new Uint8Array(60);
  const places = placesOf(frame);
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)] as T;
  const raw = (): string => {
    const base = pick(['ll', 'nh', 'nh', 'th', 'th', 'ih'] as const);
    const [from, bytes] = [draw(base === 'll' ? 12 : 28), pick([1, 2, 4, 4, 6, 16])];
    const value = frame.subarray(places[base] + from, places[base] + from + bytes);
    if (value.length < bytes) return 'meta length 46';
    const how = pick(['', '', '!= ', '< ', '> ', '<= ', '>= ']);
    if (bytes > 6 && how !== '' && how !== '!= ') return `@${base},${8 * from},${8 * bytes} ${hex(value)}`;
    return `@${base},${8 * from},${8 * bytes} ${how}${hex(value)}`;
  };
  const bits = (): string => {
    const base = pick(['nh', 'th', 'ih'] as const);
    const [from, count] = [draw(160), 1 + draw(7)];
    const byte = frame[places[base] + (from >> 3)] ?? 0;
    const low = 8 - (from & 7) - count;
    if (low < 0) return raw();
    return `@${base},${from},${count} ${pick(['', '!= '])}0x${((byte >> low) & ((1 << count) - 1)).toString(16)}`;
  };
  const word = (at: number): number => ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);
  const port = word(places.th + pick([0, 2]));
  const low = Math.max(0, port - draw(4));
  const address = `${frame[places.nh + 16] ?? 0}.${frame[places.nh + 17] ?? 0}.${frame[places.nh + 18] ?? 0}.${frame[places.nh + 19] ?? 0}`;
  return pick<() => string>([
    raw,
    raw,
    raw,
    bits,
    bits,
    () => `meta l4proto ${pick([1, 2, 6, 17, 50, 51, 58, 59, 0, frame[places.nh + 9] ?? 0])}`,
    () => `meta l4proto != ${pick([6, 17])}`,
    () => `meta protocol ${pick(['ip', 'ip6', 'arp', '8021q', '0x888e', '0x0004'])}`,
    () => `meta length ${frame.length - places.nh}`,
    () => `meta length != { 28, 42, 46 }`,
    () => `ether type ${pick(['ip', 'ip6', '8021q', '8021ad', '0-1535'])}`,
    () => `ether type { ip, arp, 0x8863, 0x9100 }`,
    () =>
      `ether saddr != { ${Array.from(frame.subarray(6, 12), (byte) => byte.toString(16).padStart(2, '0')).join(':')}, 02:00:00:00:00:01 }`,
    () => `vlan id ${pick(['0', '5', '!= 0'])}`,
    () => `vlan id 0 vlan type != { 0-1535, 8021q, 8021ad, 0x9100 }`,
    () => `udp dport ${port}`,
    () => `tcp sport ${low}-${Math.min(65535, port + draw(4))}`,
    () => `th dport { ${low}-${port}, 60000-65535 }`,
    () => `th sport != { ${port}, 53, 67 }`,
    () => `udp length >= ${word(places.th + 4)}`,
    () => `tcp doff ${pick([5, 6, 8])}`,
    () => `ip daddr ${address}/${pick([8, 12, 20, 24, 32])}`,
    () => `ip daddr != { ${address}, 192.0.2.0/24, 224.0.0.0/4 }`,
    () =>
      `ip daddr . meta l4proto . th dport { ${address} . udp . ${word(places.th + 2)}, ${address} . tcp . ${word(places.th + 2)} }`,
    () => `meta l4proto . th sport { udp . ${word(places.th)}, tcp . ${word(places.th)} }`,
    () => `ip frag-off & ${pick(['0x1fff', '0x3fff'])} ${pick(['!=', '=='])} 0`,
    () => `ip length ${pick(['<', '>=', ''])} ${word(places.nh + 2)}`,
    () => `ip6 length ${pick(['<', '>=', ''])} ${word(places.nh + 4)}`,
    () => `ip6 nexthdr ${pick(['44', '!= { 6, 17, 50, 58 }'])}`,
    () => `ip6 daddr ${pick(['fe80::/10', 'ff00::/8', '2001:db8::/32', 'ff02::1'])}`,
    () => `meta protocol ip6 exthdr ${pick(['frag', 'hbh'])} exists`,
    () => `meta protocol ip6 frag frag-off ${pick(['!= 0', '0'])}`,
    () => `meta protocol ip6 frag nexthdr ${pick([6, 17, 50, 58, 44])}`,
    () => `meta protocol ip6 icmpv6 type ${pick([133, 134, 135, 136, 143])}`,
    () =>
      `meta protocol ip icmp type destination-unreachable icmp code ${pick(['frag-needed', 'port-unreachable'])}`,
    () => `meta protocol arp arp operation ${pick(['request', '{ request, reply }'])}`,
    () => `meta protocol arp arp saddr ip ${pick(['192.168.0.0/16', '169.254.0.0/16', '0.0.0.0'])}`,
  ])();
}
