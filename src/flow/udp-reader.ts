// Knows: which decoder reads a datagram: the port's own first, then the flow's, then by shape. Must not know: policy, I/O.
// DESIGN section 3. DNS is ruled out before anything is recognised as a tunnel; doubt leaves the kind the port has, or `udp`.

import type { Facts, Findings } from './facts.ts';
import type { Flow, FlowTable } from './flow-table.ts';
import type { Kind, Via } from './kinds.ts';
import { DNS_ELSEWHERE, DNS_ON_ITS_PORT, dnsFindings, nbnsFindings } from './name-readers.ts';

export class UdpReader {
  readonly #flows: FlowTable;

  constructor(flows: FlowTable) {
    this.#flows = flows;
  }

  /** Sets kind and findings; `facts.kind` is what the ports say. */
  read(bytes: Uint8Array, facts: Facts): void {
    const flow = this.#flows.of(facts);
    const { payloadOffset: start, payloadEnd: end } = facts;
    facts.flowName = flow.name;
    if (flow.kind !== undefined) facts.kind = flow.kind;
    if (start >= end) return;
    flow.packets += 1;
    this.#readByPort(bytes, start, end, facts, flow);
  }

  #readByPort(bytes: Uint8Array, start: number, end: number, facts: Facts, flow: Flow): void {
    const { kind } = facts;
    if (kind === 'dns' || kind === 'mdns' || kind === 'llmnr') {
      settle(facts, flow, kind, dnsFindings(bytes, start, end, kind satisfies Via, DNS_ON_ITS_PORT));
    } else if (kind === 'nbns') {
      settle(facts, flow, kind, nbnsFindings(bytes, start, end));
    } else if (kind === 'udp') {
      settle(facts, flow, 'dns', dnsFindings(bytes, start, end, 'dns', DNS_ELSEWHERE));
    }
  }
}

function settle(facts: Facts, flow: Flow, kind: Kind, findings: Findings | undefined): boolean {
  if (findings === undefined) return false;
  facts.kind = kind;
  facts.findings = findings;
  const [first] = findings.names;
  if (first !== undefined) flow.name = first.name;
  return true;
}
