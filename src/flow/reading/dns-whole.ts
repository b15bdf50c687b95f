// Reads a whole DNS message with the library dns-packet, for people. The octets are hostile, and the library is not made for that: it gets
// no message that announces more entries than its octets can contain, its exceptions become `malformed`, and its output is cut to a
// bounded size.

import dnsPacket from 'dns-packet';
import type { Answer, DecodedPacket, Question } from 'dns-packet';

import type { DnsEntry, DnsReading } from './frame-reading.ts';

/** How many entries of one message are listed. */
export const MAX_ENTRIES = 64;
/** The most characters in one field of an entry. */
export const MAX_FIELD_LENGTH = 280;

const HEADER = 12;
/** Octets of the shortest entries: root name, type and class; for a record also TTL and length. */
const MIN_LENGTH = { question: 5, record: 11 };
/** How deeply nested values in a record's data may be. */
const MAX_DEPTH = 3;
/** Types for which the library has no name. */
const TYPES: Readonly<Record<string, string>> = { UNKNOWN_64: 'SVCB', UNKNOWN_65: 'HTTPS' };
const FLAGS = ['aa', 'tc', 'rd', 'ra', 'ad', 'cd'] as const;

type Decoded = DecodedPacket & { readonly opcode: string; readonly rcode: string };

/**
 * Reads the DNS message (RFC 1035 section 4) that fills `bytes`, without TCP's length; `isCut` if more of it was on the wire. The first
 * MAX_ENTRIES entries are listed, with fields of at most MAX_FIELD_LENGTH characters; what the library cannot read is `cut` or `malformed`
 * and has no entries. Never throws.
 */
export function readDnsWhole(bytes: Uint8Array, isCut: boolean): DnsReading {
  const unread: DnsReading = {
    state: isCut ? 'cut' : 'malformed',
    head: '',
    more: 0,
    behind: 0,
    entries: [],
  };
  if (!canHoldWhatItCounts(bytes)) return unread;
  try {
    const message = dnsPacket.decode(Buffer.from(bytes)) as Decoded;
    const behind = bytes.length - dnsPacket.decode.bytes;
    // For a length that leads out of the message the library does not throw, but returns NaN.
    return behind >= 0 ? readingOf(message, behind) : unread;
  } catch {
    return unread;
  }
}

/** Whether the octets can contain the announced entries; otherwise a few octets could keep the library busy for a long time. */
function canHoldWhatItCounts(bytes: Uint8Array): boolean {
  const count = (at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const records = count(6) + count(8) + count(10);
  return HEADER + count(4) * MIN_LENGTH.question + records * MIN_LENGTH.record <= bytes.length;
}

function readingOf(message: Decoded, behind: number): DnsReading {
  const { questions = [], answers = [], authorities = [], additionals = [] } = message;
  const flags = FLAGS.filter((flag) => message[`flag_${flag}`]);
  const id = `0x${(message.id ?? 0).toString(16).padStart(4, '0')}`;
  const sections = [
    ...questions.slice(0, MAX_ENTRIES).map(questionEntry),
    ...answers.slice(0, MAX_ENTRIES).map(recordEntry('answer')),
    ...authorities.slice(0, MAX_ENTRIES).map(recordEntry('authority')),
    ...additionals.slice(0, MAX_ENTRIES).map(recordEntry('additional')),
  ];
  const all = questions.length + answers.length + authorities.length + additionals.length;
  const entries = sections.slice(0, MAX_ENTRIES);
  return {
    state: 'whole',
    behind,
    entries,
    more: all - entries.length,
    head: [
      message.flag_qr ? 'response' : 'query',
      `opcode ${message.opcode}`,
      message.rcode,
      `ID ${id}`,
      ...flags,
    ].join(', '),
  };
}

function questionEntry({ name, type, class: dnsClass = 'IN' }: Question): DnsEntry {
  return { section: 'question', name: nameText(name), type: typeText(type), rest: classText(dnsClass) };
}

const recordEntry =
  (section: DnsEntry['section']) =>
  (record: Answer): DnsEntry => {
    const common = { section, name: nameText(record.name), type: typeText(record.type) };
    if (record.type !== 'OPT') {
      const { class: dnsClass = 'IN', ttl = 0, data } = record;
      return { ...common, rest: short(`${ttl} ${classText(dnsClass)} ${valueText(data, 0)}`) };
    }
    const { udpPayloadSize, ednsVersion, flag_do: wantsDnssec, options } = record;
    const words = [`UDP ${udpPayloadSize}`, `EDNS ${ednsVersion}`, ...(wantsDnssec ? ['DO'] : [])];
    return {
      ...common,
      rest: short([...words, ...options.map((option) => valueText(option, 0))].join(', ')),
    };
  };

/** A space in a name must not look like its end (RFC 1035 section 5.1). */
function nameText(name: string): string {
  return short(name.replaceAll(' ', '\\032'));
}

/** The text of a type, TYPE and a number for an unknown one (RFC 3597 section 5). */
function typeText(type: string): string {
  return TYPES[type] ?? type.replace(/^UNKNOWN_/, 'TYPE');
}

function classText(dnsClass: string): string {
  return dnsClass.replace(/^UNKNOWN_/, 'CLASS');
}

function valueText(value: unknown, depth: number): string {
  if (value instanceof Uint8Array) return bytesText(value);
  if (typeof value !== 'object' || value === null) return short(String(value));
  if (depth >= MAX_DEPTH) return '…';
  const some = Object.entries(value).slice(0, MAX_ENTRIES);
  const isList = Array.isArray(value);
  return short(some.map(([key, one]) => `${isList ? '' : `${key} `}${valueText(one, depth + 1)}`).join(' '));
}

/** In quotes if all octets are printable ASCII, otherwise in hexadecimal. */
function bytesText(bytes: Uint8Array): string {
  const some = Buffer.from(bytes.subarray(0, MAX_FIELD_LENGTH));
  const isText = some.length > 0 && some.every((octet) => octet >= 0x20 && octet < 0x7f && octet !== 0x22);
  return short(isText ? `"${some.toString('latin1')}"` : `0x${some.toString('hex')}`);
}

function short(text: string): string {
  return text.length > MAX_FIELD_LENGTH ? `${text.slice(0, MAX_FIELD_LENGTH)}…` : text;
}
