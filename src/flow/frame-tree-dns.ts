// Knows: how a DNS message is told: its header, every question and record with the bytes it stands in. Must not know: ports, policy.
// Follows RFC 1035 section 4. What does not parse ends the list; the rest stays data.

import { ipv4TextAt, ipv6TextAt } from '../wire/address-octets.ts';
import {
  DNS_HEADER,
  DnsView,
  MOST_QUESTIONS,
  TYPE_A,
  TYPE_AAAA,
  recordTtl,
  skipRecord,
} from '../wire/dns.ts';
import { readName, skipName } from '../wire/dns-name.ts';
import { u16 } from '../wire/octets.ts';
import type { LayerTree } from './frame-layer.ts';

const TYPE_NAMES: Readonly<Record<number, string>> = {
  ...{ 1: 'A', 2: 'NS', 5: 'CNAME', 6: 'SOA', 12: 'PTR', 15: 'MX', 16: 'TXT', 28: 'AAAA', 33: 'SRV' },
  ...{ 41: 'OPT', 46: 'RRSIG', 47: 'NSEC', 48: 'DNSKEY', 64: 'SVCB', 65: 'HTTPS', 255: 'any' },
};
const NAMING = new Set([2, 5, 12]);
const CODES: readonly string[] = ['no error', 'format error', 'server failure', 'no such name'];

interface Message {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Adds the message to `tree`; false when there is no header. */
export function tellDns(
  bytes: Uint8Array,
  tree: LayerTree,
  label: string,
  start: number,
  end: number,
): boolean {
  const view = DnsView.of(bytes, start, end);
  if (view === undefined) return false;
  const layer = tree.add(label, view.response ? 'answer' : 'question', start, end);
  layer.add('Identification', `0x${view.id.toString(16).padStart(4, '0')}`, start, start + 2);
  const code = CODES[view.rcode] ?? `code ${view.rcode}`;
  layer.add(
    'Flags',
    view.response ? `answer, ${code}` : `question, opcode ${view.opcode}`,
    start + 2,
    start + 4,
  );
  const counts = [view.questions, view.answers, view.authorities, view.additionals];
  layer.add('Counts', counts.join(' '), start + 4, start + DNS_HEADER);
  const message = { bytes, start, end };
  let at = start + DNS_HEADER;
  for (let left = Math.min(view.questions, MOST_QUESTIONS); left > 0 && at >= 0; left -= 1)
    at = tellQuestion(message, layer, at);
  const records = view.answers + view.authorities + view.additionals;
  for (let left = Math.min(records, MOST_QUESTIONS); left > 0 && at >= 0; left -= 1)
    at = tellRecord(message, layer, at);
  return true;
}

/** The offset behind the question, -1 when it does not parse. */
function tellQuestion({ bytes, start, end }: Message, layer: LayerTree, at: number): number {
  const fixed = skipName(bytes, at, end);
  const name = fixed < 0 ? undefined : readName(bytes, start, end, at);
  if (name === undefined || fixed + 4 > end) return -1;
  const type = typeName(u16(bytes, fixed));
  const told = layer.add('Question', `${name} ${type}`, at, fixed + 4);
  told.add('Name', name, at, fixed);
  told.add('Type', type, fixed, fixed + 2);
  told.add('Class', String(u16(bytes, fixed + 2)), fixed + 2, fixed + 4);
  return fixed + 4;
}

function tellRecord(message: Message, layer: LayerTree, at: number): number {
  const { bytes, start, end } = message;
  const next = skipRecord(bytes, at, end);
  const name = next < 0 ? undefined : readName(bytes, start, end, at);
  if (name === undefined) return -1;
  const fixed = skipName(bytes, at, end);
  const [type, data] = [u16(bytes, fixed), fixed + 10];
  const value = valueOf(message, type, data, next);
  const told = layer.add('Record', `${name} ${typeName(type)} ${value}`.trim(), at, next);
  told.add('Name', name, at, fixed);
  told.add('Type', typeName(type), fixed, fixed + 2);
  told.add('Time to live', `${recordTtl(bytes, fixed)} s`, fixed + 4, fixed + 8);
  told.add('Value', value, data, next);
  return next;
}

function valueOf({ bytes, start, end }: Message, type: number, data: number, next: number): string {
  if (type === TYPE_A && next - data === 4) return ipv4TextAt(bytes, data);
  if (type === TYPE_AAAA && next - data === 16) return ipv6TextAt(bytes, data);
  const name = NAMING.has(type) ? readName(bytes, start, end, data) : undefined;
  return name ?? `${next - data} bytes`;
}

function typeName(type: number): string {
  return TYPE_NAMES[type] ?? `type ${type}`;
}
