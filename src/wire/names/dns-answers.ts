// The records of a DNS answer that say where a name leads: RFC 1035 sections 3.3 and 4.1.3, RFC 2782 (SRV), RFC 3596 (AAAA),
// RFC 6672 (DNAME), RFC 9460 sections 2.2 and 7.3 (SVCB, HTTPS and their hints).

import { ipv4TextAt, ipv6TextAt } from '../ip/address-octets.ts';
import { DNS_HEADER, recordTtl, skipQuestions, skipRecord, TYPE_A, TYPE_AAAA } from './dns.ts';
import { endsByPointer, readName, skipName } from './dns-name.ts';
import { u16 } from '../octets.ts';

/** One answer. Names are as `nameText` writes them: lower case, no trailing dot. */
export interface DnsAnswer {
  /** The record's owner; '' for the root. */
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'HTTPS' | 'SVCB' | Naming;
  /** An address as `a.b.c.d` or RFC 5952 text, or the name that the record leads to; never ''. */
  readonly value: string;
  /** In seconds, from 0 to 2^31 - 1. */
  readonly ttl: number;
}

/** Record types whose only destination is a name. */
type Naming = 'CNAME' | 'DNAME' | 'NS' | 'PTR' | 'MX' | 'SRV' | 'SOA';
/** By type number: the type, and how many octets precede the name. */
const NAMING: ReadonlyMap<number, readonly [Naming, number]> = new Map([
  [2, ['NS', 0]],
  [6, ['SOA', 0]],
  [5, ['CNAME', 0]],
  [12, ['PTR', 0]],
  [15, ['MX', 2]],
  [33, ['SRV', 6]],
  [39, ['DNAME', 0]],
]);
const TYPE_SVCB = 64;
const TYPE_HTTPS = 65;
const IPV4_HINT = 4;
const IPV6_HINT = 6;
const MAX_ANSWERS = 256;

/**
 * The answers of the DNS message from `start` to before `end` (without TCP's length) if it is a response, in its order, including authority
 * and additional records, at most 256 (RFC 1035 section 4.1.3, RFC 9460 section 2.2). The list ends before the first malformed record.
 * Empty for a query. Never throws.
 */
export function readAnswers(bytes: Uint8Array, start: number, end: number): DnsAnswer[] {
  const found: DnsAnswer[] = [];
  if (end - start < DNS_HEADER || ((bytes[start + 2] ?? 0) & 0x80) === 0) return found;
  let at = skipQuestions(bytes, start, end);
  const records = u16(bytes, start + 6) + u16(bytes, start + 8) + u16(bytes, start + 10);
  for (let left = Math.min(records, MAX_ANSWERS); left > 0 && at >= 0; left -= 1) {
    const next = skipRecord(bytes, at, end);
    if (next < 0) break;
    readRecord(bytes, start, end, at, next, found);
    if (found.length >= MAX_ANSWERS) return found.slice(0, MAX_ANSWERS);
    at = next;
  }
  return found;
}

/**
 * The owner names of the records of a query or response, each once, in the order in which they first occur, without the root; `pointed` if
 * in every record the name ends in a compression pointer (RFC 1035 section 4.1.4). At most 256 records are read; the list ends before the
 * first malformed one. Never throws.
 */
export function readRecordNames(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly name: string; readonly pointed: boolean }[] {
  const names = new Map<string, boolean>();
  if (end - start < DNS_HEADER) return [];
  let at = skipQuestions(bytes, start, end);
  const records = u16(bytes, start + 6) + u16(bytes, start + 8) + u16(bytes, start + 10);
  for (let left = Math.min(records, MAX_ANSWERS); left > 0 && at >= 0; left -= 1) {
    const next = skipRecord(bytes, at, end);
    if (next < 0) break;
    const name = readName(bytes, start, end, at);
    const pointed = endsByPointer(bytes, skipName(bytes, at, end));
    if (name !== undefined && name !== '') names.set(name, pointed && names.get(name) !== false);
    at = next;
  }
  return [...names].map(([name, pointed]) => ({ name, pointed }));
}

function readRecord(
  bytes: Uint8Array,
  start: number,
  end: number,
  at: number,
  next: number,
  found: DnsAnswer[],
): void {
  const fixed = skipName(bytes, at, end);
  const type = u16(bytes, fixed);
  const data = fixed + 10;
  const naming = NAMING.get(type);
  const isOther = type !== TYPE_A && type !== TYPE_AAAA && type !== TYPE_SVCB && type !== TYPE_HTTPS;
  if (naming === undefined && isOther) return;
  const name = readName(bytes, start, end, at);
  if (name === undefined) return;
  const ttl = recordTtl(bytes, fixed);
  if (type === TYPE_A) {
    if (next - data === 4) found.push({ name, type: 'A', value: ipv4TextAt(bytes, data), ttl });
  } else if (type === TYPE_AAAA) {
    if (next - data === 16) found.push({ name, type: 'AAAA', value: ipv6TextAt(bytes, data), ttl });
  } else if (naming !== undefined) {
    const [kind, before] = naming;
    const value = data + before < next ? readName(bytes, start, end, data + before) : undefined;
    // The root as target means that the service is not available (RFC 2782, RFC 7505).
    if (value !== undefined && value !== '') found.push({ name, type: kind, value, ttl });
  } else {
    readService(bytes, data, next, { name, type: type === TYPE_SVCB ? 'SVCB' : 'HTTPS', ttl }, found);
  }
}

/** Adds the target name, unless it is the owner itself ('', RFC 9460 section 2.5), then one entry per address hint. */
function readService(
  bytes: Uint8Array,
  data: number,
  next: number,
  owner: Omit<DnsAnswer, 'value'>,
  found: DnsAnswer[],
): void {
  // The target must not be compressed: a pointer would be resolved within the record alone and fail.
  const target = readName(bytes, data, next, data + 2);
  if (target === undefined) return;
  if (target !== '') found.push({ ...owner, value: target });
  let at = skipName(bytes, data + 2, next);
  while (at >= 0 && at + 4 <= next) {
    const key = u16(bytes, at);
    const valueEnd = at + 4 + u16(bytes, at + 2);
    if (valueEnd > next) return;
    const step = key === IPV4_HINT ? 4 : key === IPV6_HINT ? 16 : 0;
    for (let hint = at + 4; step > 0 && hint + step <= valueEnd; hint += step) {
      const value = step === 4 ? ipv4TextAt(bytes, hint) : ipv6TextAt(bytes, hint);
      found.push({ ...owner, value });
    }
    at = valueEnd;
  }
}
