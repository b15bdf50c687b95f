// Small observations and reports for the guard's tests.

import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import type { NetworkOffer } from '../../src/flow/parsed-packet.ts';
import type { DnsAnswer } from '../../src/wire/names/dns-answers.ts';
import type { Kind } from '../../src/flow/kinds.ts';
import type { Observation, TapReport } from '../../src/guard/observation.ts';
import type { Verdict } from '../../src/policy/verdict.ts';
import type { HttpRedirect } from '../../src/wire/application/http-redirect.ts';
import { parsePolicy } from '../../src/policy/schema/schema.ts';
import type { Policy } from '../../src/policy/policy.ts';

export const CLIENT = 0x02_00_00_00_00_0c;

export function policyOf(text: string): Policy {
  const parsed = parsePolicy(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.policy;
}

export const HOME = policyOf(`version: 1
profile: full-tunnel
tunnels:
  - {name: home, protocol: wireguard, endpoints: ["udp:198.51.100.7:51820"]}
`);

export function leak(exposure: string, change: Partial<Verdict> = {}): Verdict {
  return {
    verdict: 'leak',
    rule: 'A',
    severity: 'red',
    reason: `DNS question for ${exposure}`,
    exposure,
    destination: '203.0.113.53',
    ...change,
  };
}

export interface ObservationSample {
  readonly verdict?: Verdict;
  readonly kind?: Kind;
  readonly direction?: 'up' | 'down';
  readonly frames?: number;
  readonly crosses?: boolean;
  readonly folded?: boolean;
  readonly counter?: string;
  /** Monotonic milliseconds. */
  readonly at?: number;
  readonly answers?: readonly DnsAnswer[];
  readonly names?: readonly string[];
  readonly offer?: NetworkOffer;
  readonly redirect?: HttpRedirect;
}

export function observation(sample: ObservationSample = {}): Observation {
  const packet = new ParsedPacket();
  packet.kind = sample.kind ?? 'dns';
  packet.findings = {
    names: (sample.names ?? []).map((name) => ({ name, via: 'dns' as const })),
    answers: sample.answers ?? [],
    ...(sample.offer === undefined ? {} : { offer: sample.offer }),
    ...(sample.redirect === undefined ? {} : { redirect: sample.redirect }),
  };
  return {
    packet,
    verdict: sample.verdict ?? leak('bank.example'),
    direction: sample.direction ?? 'up',
    crosses: sample.crosses ?? false,
    counter: sample.counter ?? 'up_leak_dns',
    client: CLIENT,
    frames: sample.frames ?? 1,
    first: sample.at ?? 0,
    last: sample.at ?? 0,
    folded: sample.folded ?? false,
  };
}

export function report(
  port: 'lan' | 'wan',
  observations: readonly Observation[],
  change: Partial<TapReport> = {},
): TapReport {
  return {
    port,
    at: 0,
    until: change.at ?? 0,
    drained: false,
    orders: 0,
    frames: 0,
    lost: 0,
    newlyFolded: 0,
    observations,
    counts: {},
    ...change,
  };
}
