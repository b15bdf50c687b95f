// Knows: that what a tap writes arrives whole, however the pipe cuts it. Holds appliance/tap/messages.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageReader, encode } from '../../../appliance/tap/messages.ts';
import type { Message } from '../../../appliance/tap/messages.ts';
import type { TapReport } from '../../../src/guard/observation.ts';
import { observation, report } from '../../guard/samples.ts';

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
        expect(second?.type === 'report' && second.report.observations[0]?.facts.findings.names).toEqual([
          { name: 'bank.example', via: 'dns' },
        ]);
      }),
    );
  });
});
