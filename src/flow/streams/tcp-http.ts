// Knows: what HTTP/1 requests in a TCP stream tell. Must not know: segments, policy.
// Follows RFC 9112 sections 3.2 (forms of the target) and 9.3 (several requests on one connection), RFC 8484 (DNS in a request).

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

/** A head whose name was told is waited for so long, to find what follows it. */
const LONGEST_HEAD = 32_768;
/** Names of one request that are remembered as told: more than src/wire/application/http1.ts reads. */
const TOLD = 32;
/** A question in a body is waited for so long. */
const LONGEST_QUESTION = 4_096;

/**
 * Reads the requests that the stream begins with, one behind the other; gives the offset from which bytes must be kept or
 * read on. A name is told as soon as it is there; the rest of its head is waited for, and its body is passed over.
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
      flow.namesTold = [];
      tell(packet, flow, outcome, recogniseTcp(bytes, begin, end, 'client'));
    }
    tellMore(packet, flow, outcome.otherHosts, 'http');
    tellMore(packet, flow, outcome.pages, 'referer');
    const { headEnd, bodyLength, carriesDns } = outcome;
    if (headEnd < 0) return end - begin < LONGEST_HEAD ? begin : end;
    if (carriesDns === true && bodyLength > 0 && bodyLength <= LONGEST_QUESTION) {
      if (headEnd + bodyLength > end) return begin;
      tellQuestion(packet, bytes, headEnd, headEnd + bodyLength);
    }
    flow.body.begin(bodyLength);
    at = flow.body.pass(bytes, headEnd, end);
    if (flow.body.isOpen || at >= end) return at;
  }
  return at;
}

/** What was read before of the head that begins there; the stream is read from there on. */
function headAt(stream: Stream, begin: number): HttpHead {
  const head = begin === stream.start && stream.memo instanceof HttpHead ? stream.memo : new HttpHead();
  if (begin > stream.start) stream.first = false;
  stream.start = begin;
  stream.memo = head;
  return head;
}

function tell(packet: ParsedPacket, flow: Flow, request: HttpRequest, tunnel: Recognition | undefined): void {
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
    if (question !== undefined) tellQuestion(packet, question, 0, question.length);
  }
}

/** Whom a request is for. A target that names a host beats the Host field (RFC 9112 section 3.2.2), and Eve reads both. */
export function hostsOf({ host = '', targetHost = '' }: HttpRequest): readonly Name[] {
  const names = [...new Set([targetHost, host])].filter((name) => name !== '');
  return names.map((name) => ({ name, via: 'http' }));
}

/** What a request says behind whom it is for: further Host fields, and pages that it comes from. Each once. */
export function tellMore(
  packet: ParsedPacket,
  flow: Flow,
  said: readonly string[],
  via: 'http' | 'referer',
): void {
  const news = said.filter((name) => name !== flow.name && !flow.namesTold.includes(name));
  if (news.length === 0) return;
  flow.namesTold = [...flow.namesTold, ...news].slice(-TOLD);
  const names: Name[] = news.map((name) => ({ name, via }));
  packet.findings = mergeFindings(packet.findings, { names, answers: [] });
}

/** DNS that HTTP carries is as readable as HTTP is. */
export function tellQuestion(packet: ParsedPacket, bytes: Uint8Array, start: number, end: number): void {
  const findings = dnsFindings(bytes, start, end, 'dns', DNS_CUT);
  if (findings === undefined) return;
  packet.findings = mergeFindings(
    { ...findings, detail: `${findings.detail ?? 'DNS'}, in HTTP` },
    packet.findings,
  );
}
