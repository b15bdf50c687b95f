// Knows: what HTTP/1 requests in a TCP stream tell. Must not know: segments, policy.
// Follows RFC 9112 sections 3.2 (forms of the target) and 9.3 (several requests on one connection).

import { bodyEnd, httpRequest, requestAt } from '../wire/http1.ts';
import type { HttpRequest } from '../wire/http1.ts';
import type { Facts, Recognition } from './facts.ts';
import { mergeFindings } from './findings.ts';
import type { Flow } from './flow-table.ts';
import { recogniseTcp } from './recognise.ts';
import type { Stream } from './stream.ts';

/**
 * Reads the requests that the stream begins with, one behind the other; gives the offset from which bytes must be kept or
 * read on. A body is passed over by its length; what is left of it is noted in the flow.
 */
export function readHttp(facts: Facts, flow: Flow, stream: Stream): number {
  const { bytes, end } = stream;
  flow.bodyLeft = 0;
  let at = stream.start;
  for (let begin = requestAt(bytes, at, end); begin >= 0; begin = requestAt(bytes, at, end)) {
    const outcome = httpRequest(bytes, begin, end);
    if (outcome === 'need-more') return begin;
    if (outcome === 'not-http') return end;
    tell(facts, flow, outcome, recogniseTcp(bytes, begin, end, 'client'));
    if (outcome.headEnd < 0) return end;
    at = bodyEnd(bytes, outcome.headEnd, end, outcome.bodyLength);
    if (at >= end) {
      flow.bodyLeft = at - end;
      return end;
    }
  }
  return at;
}

function tell(facts: Facts, flow: Flow, request: HttpRequest, tunnel: Recognition | undefined): void {
  const asksProxy = request.form === 'absolute' || request.form === 'authority';
  flow.kind = asksProxy && tunnel === undefined ? 'http-proxy' : 'http';
  if (tunnel !== undefined) facts.findings = mergeFindings(facts.findings, flow.recognised(tunnel));
  const name = request.host ?? request.targetHost;
  const detail = `${request.method} request`;
  const names = name === undefined ? [] : [{ name, via: 'http' as const }];
  if (name !== undefined) flow.name = name;
  facts.findings = mergeFindings(facts.findings, { names, answers: [], detail });
}
