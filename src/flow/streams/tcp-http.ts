// What HTTP/1 requests in a TCP stream reveal.
// RFC 9112 sections 3.2 (forms of the target) and 9.3 (several requests on one connection), RFC 8484 (DNS in a request).

import { DOH_QUERY, dohQuestion } from '../../wire/names/doh.ts';
import { HttpHead, httpRequest, requestAt } from '../../wire/application/http1.ts';
import type { HttpRequest } from '../../wire/application/http1.ts';
import type { ParsedPacket, Recognition } from '../parsed-packet.ts';
import { mergeFindings } from '../findings/findings.ts';
import type { Flow } from '../flow-table.ts';
import type { Name } from '../kinds.ts';
import { DNS_CUT, dnsFindings } from '../findings/name-readers.ts';
import { recogniseTcp } from '../datagrams/recognise.ts';
import type { Stream } from './stream.ts';

/** In octets: up to here the end of a head is awaited after its host was reported, to find what follows. */
const LONGEST_HEAD = 32_768;
/** How many reported names of one request are remembered: more than src/wire/application/http1.ts reads. */
const MAX_REPORTED = 32;
/** In octets: up to here a DNS message in a body is awaited. */
const LONGEST_QUESTION = 4_096;

/**
 * Reads the requests (RFC 9112) at the beginning of the stream, one after the other; returns the offset in `stream.bytes` from which octets
 * must be kept or read on. A host is reported as soon as it is there; then the rest of the head is awaited up to 32 KiB, and the body is
 * skipped. Never throws.
 */
export function readHttp(packet: ParsedPacket, flow: Flow, stream: Stream): number {
  const { bytes, end } = stream;
  flow.body.reset();
  let at = stream.start;
  for (let begin = requestAt(bytes, at, end); begin >= 0; begin = requestAt(bytes, at, end)) {
    const head = headAt(stream, begin);
    const outcome = httpRequest(bytes, begin, end, false, head);
    if (outcome === 'need-more') return begin;
    if (outcome === 'not-http') return end;
    if (!head.isReported) {
      head.isReported = true;
      flow.reportedNames = [];
      report(packet, flow, outcome, recogniseTcp(bytes, begin, end, 'client'));
    }
    reportMore(packet, flow, outcome.otherHosts, 'http');
    reportMore(packet, flow, outcome.pages, 'referer');
    const { headEnd, bodyLength, carriesDns } = outcome;
    if (headEnd < 0) return end - begin < LONGEST_HEAD ? begin : end;
    if (carriesDns === true && bodyLength > 0 && bodyLength <= LONGEST_QUESTION) {
      if (headEnd + bodyLength > end) return begin;
      reportQuestion(packet, bytes, headEnd, headEnd + bodyLength);
    }
    flow.body.begin(bodyLength);
    at = flow.body.pass(bytes, headEnd, end);
    if (flow.body.isOpen || at >= end) return at;
  }
  return at;
}

/** The progress in the head that begins at `begin`, where the stream now starts. */
function headAt(stream: Stream, begin: number): HttpHead {
  const head = begin === stream.start && stream.memo instanceof HttpHead ? stream.memo : new HttpHead();
  if (begin > stream.start) stream.first = false;
  stream.start = begin;
  stream.memo = head;
  return head;
}

function report(
  packet: ParsedPacket,
  flow: Flow,
  request: HttpRequest,
  tunnel: Recognition | undefined,
): void {
  const asksProxy = request.form === 'absolute' || request.form === 'authority';
  flow.kind = asksProxy && tunnel === undefined ? 'http-proxy' : 'http';
  if (tunnel !== undefined) packet.findings = mergeFindings(packet.findings, flow.recognised(tunnel));
  const detail = `${request.method} request`;
  const names = hostsOf(request);
  const [first] = names;
  if (first !== undefined) flow.name = first.name;
  packet.findings = mergeFindings(packet.findings, { names, answers: [], detail });
  if (request.target.includes(DOH_QUERY)) {
    const question = dohQuestion(request.target);
    if (question !== undefined) reportQuestion(packet, question, 0, question.length);
  }
}

/**
 * The hosts that a request is for, none to two different ones: that in the target comes first, as it takes precedence over Host (RFC 9112
 * section 3.2.2), but both can be read.
 */
export function hostsOf({ host = '', targetHost = '' }: HttpRequest): readonly Name[] {
  const names = [...new Set([targetHost, host])].filter((name) => name !== '');
  return names.map((name) => ({ name, via: 'http' }));
}

/**
 * Adds further hosts of a request (`http`), or the hosts of pages it came from (`referer`), to the packet's names, each once for a request;
 * those that were reported are remembered in `flow`.
 */
export function reportMore(
  packet: ParsedPacket,
  flow: Flow,
  hosts: readonly string[],
  via: 'http' | 'referer',
): void {
  const fresh = hosts.filter((name) => name !== flow.name && !flow.reportedNames.includes(name));
  if (fresh.length === 0) return;
  flow.reportedNames = [...flow.reportedNames, ...fresh].slice(-MAX_REPORTED);
  const names: Name[] = fresh.map((name) => ({ name, via }));
  packet.findings = mergeFindings(packet.findings, { names, answers: [] });
}

/**
 * Adds the names and answers of the DNS message in `bytes[start, end)`, which came inside unencrypted HTTP (RFC 8484), to the packet's
 * findings; nothing if its dnsShape is below DNS_CUT. Never throws.
 */
export function reportQuestion(packet: ParsedPacket, bytes: Uint8Array, start: number, end: number): void {
  const findings = dnsFindings(bytes, start, end, 'dns', DNS_CUT);
  if (findings === undefined) return;
  packet.findings = mergeFindings(
    { ...findings, detail: `${findings.detail ?? 'DNS'}, in HTTP` },
    packet.findings,
  );
}
