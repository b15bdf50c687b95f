// Knows: what HTTP/1 requests in a TCP stream tell. Must not know: segments, policy.
// Follows RFC 9112 sections 3.2 (forms of the target) and 9.3 (several requests on one connection), RFC 8484 (DNS in a request).

import { DOH_QUERY, dohQuestion } from '../wire/doh.ts';
import { httpRequest, requestAt } from '../wire/http1.ts';
import type { HttpRequest } from '../wire/http1.ts';
import type { Facts, Recognition } from './facts.ts';
import { mergeFindings } from './findings.ts';
import type { Flow } from './flow-table.ts';
import type { Name } from './kinds.ts';
import { DNS_CUT, dnsFindings } from './name-readers.ts';
import { recogniseTcp } from './recognise.ts';
import type { Stream } from './stream.ts';

/** A head whose name was told is waited for so long, to find what follows it. */
const LONGEST_HEAD = 32_768;
/** Pages of one connection that are remembered as told. */
const PAGES = 8;
/** A question in a body is waited for so long. */
const LONGEST_QUESTION = 4_096;

/**
 * Reads the requests that the stream begins with, one behind the other; gives the offset from which bytes must be kept or
 * read on. A name is told as soon as it is there; the rest of its head is waited for, and its body is passed over.
 */
export function readHttp(facts: Facts, flow: Flow, stream: Stream): number {
  const { bytes, end } = stream;
  flow.body.reset();
  let at = stream.start;
  for (let begin = requestAt(bytes, at, end); begin >= 0; begin = requestAt(bytes, at, end)) {
    const outcome = httpRequest(bytes, begin, end);
    if (outcome === 'need-more') return begin;
    if (outcome === 'not-http') {
      flow.isHeadTold = false;
      return end;
    }
    if (!flow.isHeadTold) {
      flow.pagesTold = [];
      tell(facts, flow, outcome, recogniseTcp(bytes, begin, end, 'client'));
    }
    tellPages(facts, flow, outcome.pages);
    const { headEnd, bodyLength, carriesDns } = outcome;
    flow.isHeadTold = headEnd < 0 && end - begin < LONGEST_HEAD;
    if (headEnd < 0) return flow.isHeadTold ? begin : end;
    if (carriesDns === true && bodyLength > 0 && bodyLength <= LONGEST_QUESTION) {
      if (headEnd + bodyLength > end) {
        flow.isHeadTold = true;
        return begin;
      }
      tellQuestion(facts, bytes, headEnd, headEnd + bodyLength);
    }
    flow.body.begin(bodyLength);
    at = flow.body.pass(bytes, headEnd, end);
    if (flow.body.isOpen || at >= end) return at;
  }
  return at;
}

function tell(facts: Facts, flow: Flow, request: HttpRequest, tunnel: Recognition | undefined): void {
  const asksProxy = request.form === 'absolute' || request.form === 'authority';
  flow.kind = asksProxy && tunnel === undefined ? 'http-proxy' : 'http';
  if (tunnel !== undefined) facts.findings = mergeFindings(facts.findings, flow.recognised(tunnel));
  const detail = `${request.method} request`;
  const names = hostsOf(request);
  const [first] = names;
  if (first !== undefined) flow.name = first.name;
  facts.findings = mergeFindings(facts.findings, { names, answers: [], detail });
  if (request.target.includes(DOH_QUERY)) {
    const question = dohQuestion(request.target);
    if (question !== undefined) tellQuestion(facts, question, 0, question.length);
  }
}

/** Whom a request is for. A target that names a host beats the Host field (RFC 9112 section 3.2.2), and Eve reads both. */
export function hostsOf({ host = '', targetHost = '' }: HttpRequest): readonly Name[] {
  const names = [...new Set([targetHost, host])].filter((name) => name !== '');
  return names.map((name) => ({ name, via: 'http' }));
}

/** Pages that a request says it comes from, behind whom it is for. */
export function tellPages(facts: Facts, flow: Flow, pages: readonly string[]): void {
  const news = pages.filter((page) => page !== flow.name && !flow.pagesTold.includes(page));
  if (news.length === 0) return;
  flow.pagesTold = [...flow.pagesTold, ...news].slice(-PAGES);
  const names: Name[] = news.map((name) => ({ name, via: 'referer' }));
  facts.findings = mergeFindings(facts.findings, { names, answers: [] });
}

/** DNS that HTTP carries is as readable as HTTP is. */
export function tellQuestion(facts: Facts, bytes: Uint8Array, start: number, end: number): void {
  const findings = dnsFindings(bytes, start, end, 'dns', DNS_CUT);
  if (findings === undefined) return;
  facts.findings = mergeFindings(
    { ...findings, detail: `${findings.detail ?? 'DNS'}, in HTTP` },
    facts.findings,
  );
}
