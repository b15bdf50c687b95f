// Turns messages of DNS and its relatives into findings: RFC 1035, 6762, 4795 and 1002. The question that a response repeats yields
// the same name as in the query.

import { readAnswers, readRecordNames } from '../../wire/names/dns-answers.ts';
import { dnsShape, isDnsResponse, readQuestions } from '../../wire/names/dns.ts';
import { isNetbiosShape, readNetbiosQuestions } from '../../wire/names/nbns.ts';
import type { Findings } from '../parsed-packet.ts';
import type { Name, Via } from '../kinds.ts';

/** Minimum dnsShape on a port of DNS: a message that parses at all. */
export const DNS_ON_ITS_PORT = 0.3;
/** Minimum dnsShape on other ports: a message that parses to its last octet. */
export const DNS_ELSEWHERE = 0.9;
/** Minimum dnsShape of a message that may be cut off: plausible questions, incomplete records. */
export const DNS_CUT = 0.6;

const TYPE_WORDS: ReadonlyMap<number, string> = new Map([
  [1, 'A'],
  [2, 'NS'],
  [5, 'CNAME'],
  [6, 'SOA'],
  [12, 'PTR'],
  [15, 'MX'],
  [16, 'TXT'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [64, 'SVCB'],
  [65, 'HTTPS'],
  [255, 'ANY'],
]);

/**
 * Names and answers of the DNS, mDNS or LLMNR message from `start` to before `end` (RFC 1035 section 4, without TCP's length); undefined if
 * its dnsShape is below `atLeast`. Names are listed once each, in the message's order, those of a response as not asked; in a query over
 * `dns` those of its other sections follow. Never throws.
 */
export function dnsFindings(
  bytes: Uint8Array,
  start: number,
  end: number,
  via: Via,
  atLeast: number,
): Findings | undefined {
  const shape = dnsShape(bytes, start, end);
  if (shape < atLeast) return undefined;
  const names: Name[] = [];
  let detail = '';
  const isAnswer = isDnsResponse(bytes, start, end);
  // An mDNS response does not repeat a question (RFC 6762 section 6), so a question in one is really asked.
  const repeated = isAnswer && via !== 'mdns' ? { asked: false as const } : {};
  readQuestions(bytes, start, end, (name, type, _class, pointed) => {
    if (name === '') return;
    if (detail === '') detail = `asks for ${TYPE_WORDS.get(type) ?? `type ${type}`}`;
    if (!names.some((known) => known.name === name))
      names.push({ name, via, ...repeated, ...(pointed ? { pointed } : {}) });
  });
  if (isAnswer) {
    return { names, answers: readAnswers(bytes, start, end), detail: 'answers' };
  }
  // In an ordinary query the other sections have no names; updates (RFC 2136), notifies (RFC 1996) and anything odd do.
  if (via === 'dns')
    for (const { name, pointed } of readRecordNames(bytes, start, end))
      if (!names.some((known) => known.name === name))
        names.push({ name, via, record: true, ...(pointed ? { pointed } : {}) });
  return { names, answers: [], ...(detail === '' ? {} : { detail }) };
}

/**
 * Names in the questions of the NetBIOS name service message (RFC 1002 section 4.2) in a UDP payload from `start` to before `end`, once
 * each; none in a response. Undefined when it is not such a message; never throws.
 */
export function nbnsFindings(bytes: Uint8Array, start: number, end: number): Findings | undefined {
  if (!isNetbiosShape(bytes, start, end)) return undefined;
  const names: Name[] = [];
  const repeated = isDnsResponse(bytes, start, end) ? { asked: false as const } : {};
  readNetbiosQuestions(bytes, start, end, (name) => {
    if (name !== '' && !names.some((known) => known.name === name))
      names.push({ name, via: 'nbns', ...repeated });
  });
  return { names, answers: [] };
}
