// Knows: what HTTP/1 requests in a TCP stream tell. Must not know: segments, policy.
// Follows RFC 9112 sections 3.2 (forms of the target) and 9.3 (several requests on one connection).

import { httpRequest, isHttpRequestStart } from '../wire/http1.ts';
import type { HttpRequest } from '../wire/http1.ts';
import type { Facts } from './facts.ts';
import { mergeFindings } from './findings.ts';
import type { Flow } from './flow-table.ts';
import { recogniseTcp } from './recognise.ts';
import type { Stream } from './stream.ts';

/**
 * Reads the requests that the stream begins with, one behind the other; gives the offset from which bytes must be kept.
 * Bodies are passed over: the next request is looked for where a segment begins.
 */
export function readHttp(facts: Facts, flow: Flow, stream: Stream): number {
  const { bytes, end } = stream;
  let at = stream.start;
  while (at < end && isHttpRequestStart(bytes, at, end)) {
    const outcome = httpRequest(bytes, at, end);
    if (outcome === 'need-more') return at;
    if (outcome === 'not-http') break;
    tell(facts, flow, outcome, recogniseTcp(bytes, at, end, 'client') !== undefined);
    if (outcome.headEnd < 0) break;
    at = outcome.headEnd;
  }
  return end;
}

function tell(facts: Facts, flow: Flow, request: HttpRequest, isTunnel: boolean): void {
  const asksProxy = request.form === 'absolute' || request.form === 'authority';
  flow.kind = asksProxy && !isTunnel ? 'http-proxy' : 'http';
  const name = request.host ?? request.targetHost;
  const detail = `${request.method} request`;
  const names = name === undefined ? [] : [{ name, via: 'http' as const }];
  if (name !== undefined) flow.name = name;
  facts.findings = mergeFindings(facts.findings, { names, answers: [], detail });
}
