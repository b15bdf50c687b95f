// A resolver of a test's own over UDP and TCP, whose answers are like those of popular sites: canonical names in a row, addresses that
// change from answer to answer, times to live of a second to five minutes. Arguments: address, port, names of sites, their addresses as a
// prefix and how many, and further names as NAME=ADDRESS or NAME=>NAME.

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';

const packet = createRequire(import.meta.url)('dns-packet');
const [address, port, suffix, prefix, amount, ...fixed] = process.argv.slice(2);
const addresses = new Map();
const aliases = new Map();
for (const one of fixed) {
  const [name, to] = one.split('=');
  if (to.startsWith('>')) aliases.set(name, to.slice(1));
  else addresses.set(name, to);
}
const TTLS = [1, 5, 20, 60, 300];
let asked = 0;

/** Where site number N leads: none, one, two or three canonical names, and an address that changes. */
function site(name, number) {
  const ttl = TTLS[number % TTLS.length];
  const chain = [
    name,
    ...['cdn', 'edge', 'pop'].slice(0, number % 4).map((at) => `${at}${number}.net.example`),
  ];
  const records = chain.slice(1).map((data, at) => ({ type: 'CNAME', name: chain[at], data, ttl }));
  const last = 1 + ((number + 7 * asked) % Number(amount));
  return [...records, { type: 'A', name: chain.at(-1), data: `${prefix}${last}`, ttl }];
}

function records({ name, type }) {
  const asked = name.toLowerCase();
  const alias = aliases.get(asked);
  if (alias !== undefined) {
    const head = { type: 'CNAME', name: asked, data: alias, ttl: 60 };
    return [head, ...records({ name: alias, type })];
  }
  if (type !== 'A') return [];
  const known = addresses.get(asked);
  if (known !== undefined) return [{ type: 'A', name: asked, data: known, ttl: 30 }];
  const number = new RegExp(`^site(\\d+)\\.${suffix.replaceAll('.', '\\.')}$`).exec(asked)?.[1];
  return number === undefined ? [] : site(asked, Number(number));
}

function answer(bytes) {
  const { id, questions } = packet.decode(bytes);
  asked += 1;
  const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE;
  return packet.encode({ type: 'response', id, flags, questions, answers: questions.flatMap(records) });
}

const socket = createSocket('udp4');
socket.on('message', (bytes, { address: to, port: back }) => socket.send(answer(bytes), back, to));
const stream = createServer((client) => {
  let held = Buffer.alloc(0);
  client.on('error', () => client.destroy());
  client.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const end = 2 + held.readUInt16BE(0);
      const said = answer(held.subarray(2, end));
      const length = Buffer.alloc(2);
      length.writeUInt16BE(said.length);
      client.write(Buffer.concat([length, said]));
      held = held.subarray(end);
    }
  });
});
await Promise.all([
  new Promise((resolve) => socket.bind(Number(port), address, resolve)),
  new Promise((resolve) => stream.listen(Number(port), address, resolve)),
]);
process.stdout.write('ready\n');
