// Captures of tunnels whose packets a configuration or a network changes, as far as the faults' folder has them.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { Dissector } from '../../src/flow/dissector.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { importConfig } from '../../src/policy/import/import.ts';
import { withTunnel } from '../../src/policy/schema/schema-edit.ts';
import { policyOf } from '../policy/policies.ts';
import { FAULTS, hasFaults } from '../faults.ts';

/** Frames of a classic pcap file, little endian. */
function framesOf(name: string): Uint8Array[] {
  const file = readFileSync(`${FAULTS}/captures/${name}`);
  const frames: Uint8Array[] = [];
  for (let at = 24; at + 16 <= file.length; at += 16 + file.readUInt32LE(at + 8))
    frames.push(file.subarray(at + 16, at + 16 + file.readUInt32LE(at + 8)));
  return frames;
}

function tunnelFrames(policy: ReturnType<typeof policyOf>, name: string): string {
  const judge = compileJudge(policy);
  const frames = framesOf(name);
  const packet = new ParsedPacket();
  const inside = frames.filter((bytes) => {
    new Dissector().headers(bytes, 0, bytes.length, bytes.length, 1, packet);
    return judge.tunnelOf(packet, 'either') >= 0;
  });
  return `${inside.length} of ${frames.length}`;
}

const policy = (tunnel: string): ReturnType<typeof policyOf> =>
  policyOf(`version: 1\ntunnels: [${tunnel}]\n`);

describe.runIf(hasFaults)('a capture of the faults', () => {
  it('of AmneziaWG is the tunnel’s by its configuration, and not without', () => {
    const [tunnel] = importConfig(readFileSync(`${FAULTS}/configs/awg.conf`))?.tunnels ?? [];
    if (tunnel === undefined) throw new Error('no tunnel');
    const { settings, ...rest } = tunnel;
    const text = withTunnel('version: 1\n', { name: 'awg', ...rest, ...settings });
    expect(tunnelFrames(policyOf(text), 'awg.pcap')).toBe('28 of 28');
    expect(tunnelFrames(policyOf(withTunnel('version: 1\n', { name: 'awg', ...rest })), 'awg.pcap')).toBe(
      '0 of 28',
    );
  });

  it('through NAT64 is the tunnel’s of the IPv4 server', () => {
    const wkp = policy("{name: a, protocol: wireguard, endpoints: ['udp:198.51.100.7:51820']}");
    expect(tunnelFrames(wkp, 'wkp.pcap')).toBe('22 of 22');
    const other = policy("{name: a, protocol: wireguard, endpoints: ['udp:198.51.100.8:51820']}");
    expect(tunnelFrames(other, 'wkp.pcap')).toBe('0 of 22');
  });

  it.each(['any', '[185, 25, 129]'])('of WARP is the tunnel’s with reserved %s', (reserved) => {
    const warp = (more: string): string =>
      `{name: warp, protocol: wireguard, endpoints: ['udp:198.51.100.40:2408']${more}}`;
    expect(tunnelFrames(policy(warp(`, reserved: ${reserved}`)), 'warp.pcap')).toBe('22 of 22');
    expect(tunnelFrames(policy(warp('')), 'warp.pcap')).toBe('0 of 22');
  });
});
