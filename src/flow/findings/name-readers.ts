// Knows: how messages of the DNS family become findings. Must not know: flows, policy, clocks.
// Follows RFC 1035, 6762, 4795 and 1002. Questions are names; what a response repeats of its question is the same name.

import { readAnswers, readRecordNames } from '../../wire/names/dns-answers.ts';
import { dnsShape, isDnsResponse, readQuestions } from '../../wire/names/dns.ts';
import { isNetbiosShape, readNetbiosQuestions } from '../../wire/names/nbns.ts';
import type { Findings } from '../parsed-packet.ts';
import type { Name, Via } from '../kinds.ts';

/** On a port that is DNS's own a message that parses at all counts; elsewhere it must parse to its last octet. */
export const DNS_ON_ITS_PORT = 0.3;
export const DNS_ELSEWHERE = 0.9;
/** A message that is cut off: its questions are plausible, its records end too early. */
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

/** Names and answers of a DNS, mDNS or LLMNR message that looks like one at least so much; else undefined. */
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
  // An mDNS response has no question to repeat (RFC 6762 section 6): who sends one with a question asks it.
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
  // Sections that hold none in an ordinary question: an update, a notice (RFC 2136, RFC 1996), or whatever Eve finds there.
  if (via === 'dns')
    for (const { name, pointed } of readRecordNames(bytes, start, end))
      if (!names.some((known) => known.name === name))
        names.push({ name, via, record: true, ...(pointed ? { pointed } : {}) });
  return { names, answers: [], ...(detail === '' ? {} : { detail }) };
}

/** Questions of a NetBIOS name service message, or undefined when it is none. */
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
