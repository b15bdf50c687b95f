// Puts a variable in place of each address, MAC address and port of a policy and of what was learned, in the kernel's rules and in the
// specification alike: what the solver proves of the variables is proven of every address. Networks of servers and ranges of ports stay the
// numbers that they are, and so do numbers that the rules also use by themselves (RESULTS.md, Shapes, says what follows from that).

import type { Policy } from '../../src/policy/policy.ts';
import { parseAddress, parseMac } from '../../src/wire/ip/address.ts';
import { bv, concat, extract, variable } from './expr.ts';
import type { Node } from './expr.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';

/** Ports that the rules speak of by themselves: they stay what they are. */
const OWN_PORTS: ReadonlySet<number> = new Set([
  53, 67, 68, 80, 137, 443, 500, 546, 547, 853, 1000, 1003, 1194, 1701, 1723, 1900, 2050, 3128, 3478, 3544,
  3990, 4500, 4789, 4990, 5353, 5355, 8000, 8001, 8002, 8003, 8080, 8081, 8088, 8443, 8843, 8880, 9001, 9997,
  9998, 22, 123, 1080, 51820,
  // As the first half of a word: IP protocols, as sets have them.
  0x0600, 0x1100, 0x3200,
]);
/** The address that every box has. */
const OWN_WORD = 0xa9fe4d01;
const MOST = 200;
/** A number with such a half may be one of the rules' own. */
const isOwn = (word: number): boolean => word === OWN_WORD || word >>> 16 === 0 || (word & 0xffff) === 0;

/** By how many bits and which number. */
type Known = Map<string, Node>;

let known: Known = new Map();

/** What the variables are in the ruleset itself. */
let values = new Map<string, bigint>();

export function forgetSymbols(): void {
  known = new Map();
  values = new Map();
}

export function symbolValues(): ReadonlyMap<string, bigint> {
  return values;
}

function add(width: number, number: bigint, node: Node): void {
  const key = `${width} ${number}`;
  if (!known.has(key)) known.set(key, node);
}

function symbol(width: number, number: bigint): Node {
  const name = `is ${width} ${number.toString(16)}`;
  values.set(name, number);
  return variable(name, width);
}

/** A word of an address, and with a length as much of it as that leaves. */
function addWord(word: number, bits = 32): void {
  if (bits <= 0 || (bits === 32 ? isOwn(word) : word >>> 24 === 0)) return;
  const number = BigInt(word >>> 0);
  const node = symbol(32, number);
  if (bits >= 32) {
    add(32, number, node);
    return;
  }
  const head = extract(node, 32 - bits, bits);
  const whole = 8 * Math.ceil(bits / 8);
  const filled = (width: number): Node => (width === bits ? head : concat(head, bv(width - bits, 0)));
  for (const width of new Set([bits, whole, 32])) add(width, number >> BigInt(32 - width), filled(width));
}

function addAddress(text: string): void {
  const [host = '', length] = text.split('/');
  const address = parseAddress(host);
  if (address === undefined) return;
  const bits = length === undefined ? (address.ipVersion === 4 ? 32 : 128) : Number(length);
  if (address.ipVersion === 4) addWord(address.words[3] ?? 0, bits);
  else for (const [at, word] of address.words.entries()) addWord(word, Math.min(32, bits - 32 * at));
}

function addMac(text: string): void {
  const mac = BigInt(parseMac(text) ?? 0);
  const node = symbol(48, mac);
  add(48, mac, node);
}

function addPort(port: number): void {
  if (OWN_PORTS.has(port)) return;
  add(16, BigInt(port), symbol(16, BigInt(port)));
}

/** From now on these constants are variables; nodes that were made before must not be used after. */
export function symbolize(
  policy: Policy,
  {
    learned,
    boxMacs,
    canary,
  }: {
    readonly learned: LearnedState;
    readonly boxMacs: readonly string[];
    readonly canary: readonly string[];
  },
): void {
  forgetSymbols();
  // Of a server group each server would be one: what holds of a few of its form holds of all (RESULTS.md, Shapes).
  if (policy.tunnels.some(({ endpoints: list }) => list.length > MOST)) return;
  const endpoints = [
    ...policy.tunnels.flatMap(({ endpoints: list }) => list),
    ...policy.resolvers.map(({ endpoint }) => endpoint),
    ...policy.proxies,
  ];
  for (const { host, hostIs, length, port, lastPort } of endpoints) {
    // Networks are held as ranges of numbers: they stay what they are.
    if (hostIs !== 'name' && length === undefined) addAddress(host);
    if (length === undefined && (lastPort === undefined || lastPort === port)) addPort(port);
  }
  for (const { to, client, port } of policy.allow) {
    addAddress(`${to.address}/${to.length}`);
    if (client !== undefined) addMac(client);
    if (port !== undefined) addPort(port);
  }
  for (const { address } of [
    ...learned.addresses,
    ...learned.dhcpServers,
    ...learned.resolvers,
    ...learned.neighbours,
    ...learned.own,
    ...learned.own6,
    ...learned.exposed,
    ...learned.answered,
    ...learned.portals,
  ])
    addAddress(address);
  for (const { network } of [...learned.links, ...learned.prefixes]) addAddress(network);
  for (const { port } of learned.portals) if (port !== 0) addPort(port);
  for (const address of learned.box) addAddress(address);
  for (const { mac } of [...learned.dhcpServers, ...learned.own, ...learned.settled, ...learned.settled6])
    addMac(mac);
  for (const { client } of [...learned.passes, ...learned.exposed, ...learned.answered])
    if (client !== undefined) addMac(client);
  for (const mac of [...boxMacs, ...canary]) addMac(mac);
  for (const { host, length } of endpoints) {
    if (length === undefined) continue;
    const numbers = [...(parseAddress(host)?.words ?? [])].map((word) => ` ${word >>> 0}`);
    for (const key of known.keys()) if (numbers.some((number) => key.endsWith(number))) known.delete(key);
  }
}

/** The number in so many bits; where it is one of those, or is made of them word by word, their variables. */
export function constant(width: number, number: bigint | number): Node {
  const value = BigInt.asUintN(width, BigInt(number));
  if (known.size === 0) return bv(width, value);
  const found = known.get(`${width} ${value}`);
  if (found !== undefined) return found;
  if (width >= 64) {
    // A MAC address as sets have it, filled up to whole words.
    const rest = width - 64;
    const head = value >> BigInt(rest);
    const mac = (head & 0xffffn) === 0n ? known.get(`48 ${head >> 16n}`) : undefined;
    if (mac !== undefined)
      return concat(mac, ...(rest === 0 ? [bv(16, 0)] : [bv(16, 0), constant(rest, value)]));
  }
  if (width > 32) {
    const rest = width - 32;
    return concat(constant(32, value >> BigInt(rest)), constant(rest, value));
  }
  // A port as sets have it.
  if (width === 32 && (value & 0xffffn) === 0n) {
    const port = known.get(`16 ${value >> 16n}`);
    if (port !== undefined) return concat(port, bv(16, 0));
  }
  return bv(width, value);
}
