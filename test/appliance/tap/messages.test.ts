// Checks that what a tap writes arrives whole, however the pipe cuts it. Holds appliance/tap/messages.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageReader, encode } from '../../../appliance/tap/messages.ts';
import type { Message } from '../../../appliance/tap/messages.ts';
import type { TapReport } from '../../../src/guard/observation.ts';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { ObservationBatch } from '../../../src/guard/observation.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import { NOTHING_LEARNED } from '../../../src/policy/servers/learned.ts';
import { leak, observation, policyOf, report } from '../../guard/samples.ts';
import { ethernet, fill, ipv4, udp, wireguard } from '../../policy/frames.ts';

describe('MessageReader', () => {
  it('gives every message once and in order, whatever the chunks', () => {
    const messages: Message<TapReport>[] = [
      { type: 'open' },
      { type: 'report', report: report('lan', [observation({ names: ['bank.example'] })], { frames: 7 }) },
      { type: 'fault', message: 'no such device' },
    ];
    const bytes = Buffer.concat(messages.map(encode));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: bytes.length }), { maxLength: 30 }), (sizes) => {
        const reader = new MessageReader<TapReport>();
        const got: Message<TapReport>[] = [];
        let at = 0;
        for (const size of [...sizes, bytes.length]) {
          got.push(...reader.push(bytes.subarray(at, at + size)));
          at = Math.min(bytes.length, at + size);
        }
        expect(got.map((message) => message.type)).toEqual(['open', 'report', 'fault']);
        const [, second] = got;
        expect(second?.type === 'report' && second.report.observations[0]?.packet.findings.names).toEqual([
          { name: 'bank.example', via: 'dns' },
        ]);
      }),
    );
  });

  it('brings what a form of a tunnel asks of a packet outside the tunnel, junk before it or not', () => {
    const policy = policyOf(`version: 1
tunnels:
  - {name: home, protocol: wireguard, amnezia: {s1: 65, s2: 70}, endpoints: ["udp:198.51.100.9:51820"]}
`);
    const payload = [...fill(65, 0x5a), ...wireguard(1)];
    const octets = ipv4(17, udp(40_000, 51_820, payload), { to: '198.51.100.9' });
    const frame = Uint8Array.from(ethernet(0x0800, octets));
    const packet = new ParsedPacket();
    new Dissector().headers(frame, 0, frame.length, frame.length, 1, packet);
    packet.kind = 'udp';
    const batch = new ObservationBatch(8);
    const verdict = leak('198.51.100.9', { rule: 'E' });
    batch.add(packet, { verdict, direction: 'up', crosses: false, counter: 'up_leak_udp' }, 1, 1, frame);
    const { observations } = batch.take();
    const [message] = new MessageReader<TapReport>().push(
      encode({ type: 'report', report: report('lan', observations) }),
    );
    const told = message?.type === 'report' ? message.report.observations[0]?.packet : undefined;
    if (told === undefined) throw new Error('nothing was told');
    expect(compileJudge(policy, NOTHING_LEARNED).tunnelOf(told, 'up')).toBe(0);
    told.bytes = undefined;
    expect(compileJudge(policy, NOTHING_LEARNED).tunnelOf(told, 'up')).toBe(-1);
  });
});
